import { afterAll, afterEach, expect, it, vi } from 'vitest';
import { Gpu } from '../src/engine/gpu.js';
import { parseProgram } from '../src/engine/program.js';
import { Stream } from '../src/engine/stream.js';
import { openAdapter } from '../src/node/adapter.js';
import { boundsChecked, dawnFlags } from '../src/node/toggles.js';

/** An array of four at the front of a longer buffer, so that reading past it is harmless and shows whether it was checked. */
const beyond = parseProgram(
  'beyond',
  `struct Params { i: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32, 4>; // the first of [8]
@group(0) @binding(2) var<storage, read_write> y: array<f32>; // [1]
@compute @workgroup_size(1)
fn main() { y[0] = x[params.i]; }`,
);

const open: Gpu[] = [];
afterEach(() => vi.unstubAllEnvs());
afterAll(() => {
  for (const gpu of open) gpu.close();
});

/** What a shader reads at index 6 of [0, 1, 2, 3], followed by 4, 5, 6, 7. */
async function readBeyond(): Promise<number> {
  const gpu = await Gpu.open((await openAdapter()).adapter);
  open.push(gpu);
  const stream = new Stream(gpu);
  const x = stream.upload(
    Float32Array.from({ length: 8 }, (_, i) => i),
    [8],
  );
  const y = stream.empty([1]);
  stream.dispatch(beyond, { x, y, i: 6 }, 1);
  return (await stream.read(y))[0];
}

it('shaders do not check their indices', async () => {
  vi.stubEnv('GSAS_ROBUST', '');
  expect(await readBeyond()).toBe(6);
});

it('with GSAS_ROBUST=1 they do', async () => {
  vi.stubEnv('GSAS_ROBUST', '1');
  expect(await readBeyond()).toBeLessThan(4);
});

it('takes 1, 0 and nothing for GSAS_ROBUST, and says so of anything else', () => {
  expect(boundsChecked({ GSAS_ROBUST: '1' })).toBe(true);
  expect(boundsChecked({ GSAS_ROBUST: '0' })).toBe(false);
  expect(boundsChecked({})).toBe(false);
  expect(() => dawnFlags({ GSAS_ROBUST: 'yes' })).toThrow('GSAS_ROBUST is "yes"; 1 has shaders check');
});
