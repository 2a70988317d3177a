// Starts a tfjs backend in Node: webgpu on the very adapter that ours takes.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { openAdapter } from '../../.build/src/node/adapter.js';
import { restDuring } from '../../.build/src/node/rest.js';

const require = createRequire(import.meta.url);
/** The whole of tfjs, because its core alone registers no gradients in Node; CommonJS, so that all its packages share one core. */
export const tf = require('@tensorflow/tfjs');

/**
 * A tensor's numbers on the host. While they are waited for the processor rests as in our own process, which tfjs leaves to whoever hosts it:
 * Dawn's polling would take a core from a software adapter, and the comparison would be of that. GSAS_TFJS_POLLS=1 leaves tfjs as it comes.
 */
export function dataOf(tensor) {
  const arrived = tensor.data();
  if (process.env.GSAS_TFJS_POLLS !== '1') restDuring(arrived);
  return arrived;
}

/**
 * @param {'cpu' | 'wasm' | 'webgpu'} name
 * @returns {Promise<Record<string, string>>} what is worth knowing of it
 * @throws where tfjs does not come up with that very backend
 */
export async function startBackend(name) {
  const about = { tfjs: tf.version.tfjs, backend: name };
  if (name === 'webgpu') about.adapter = await provideWebGpu();
  const backend = require(`@tensorflow/tfjs-backend-${name}`);
  if (name === 'wasm') {
    const folder = dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json'));
    backend.setWasmPaths(`${join(folder, 'wasm-out')}/`);
  }
  await tf.setBackend(name);
  await tf.ready();
  if (tf.getBackend() !== name) throw new Error(`tfjs chose its backend ${tf.getBackend()} over ${name}`);
  if (name === 'webgpu') {
    // Without this, a step that needs too large a buffer would go on with zeros.
    tf.backend().device.addEventListener('uncapturederror', ({ error }) => {
      process.stderr.write(`${error.message.trim().split('\n')[0]}\n`);
      process.exit(1);
    });
  }
  return about;
}

/** Puts Dawn where tfjs looks for a browser's WebGPU. Returns the adapter's name. */
async function provideWebGpu() {
  const { globals } = await import('webgpu');
  const { adapter, name } = await openAdapter();
  Object.assign(globalThis, globals);
  const gpu = { requestAdapter: async () => adapter };
  Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true });
  return name;
}
