import { expect, it } from 'vitest';
import { openGpu } from '../src/node/gpu.js';
import { findSwiftshader } from '../src/node/swiftshader.js';
import { MemoryStore } from '../src/train/memory-store.js';
import { train } from '../src/train/train.js';
import { findDeno, runInDeno } from './support/deno.js';
import { gpu } from './support/device.js';
import { runSteps, type StepResults } from './support/portable.mjs';
import { library } from './support/portable-tests.js';
import { dataset, TRAINING } from './support/small.js';
import { describeUntested } from './support/untested.js';

const deno = findDeno();

it('three runs of 200 steps have the same bits', async () => {
  const run = async () => {
    const store = new MemoryStore();
    const options = { ...TRAINING, max_batches_per_epoch: 200, max_steps: 200 };
    await train({ gpu, dataset, store, options });
    const { weights, slots, step } = store.load();
    expect(step).toBe(200);
    return { weights, slots };
  };
  const first = await run();
  expect(await run()).toEqual(first);
  expect(await run()).toEqual(first);
});

/** How far apart adapters may be: losses relative to themselves, parameters relative to their tensor's largest number. */
const TOLERANCE = { loss: 1e-5, parameter: 1e-5 };

/** Other implementations of WebGPU that compute the same steps, and why one is not there. */
const OTHERS: { name: string; steps?: ((optimizer: string) => Promise<StepResults>) | undefined; missing: string }[] = [
  {
    name: 'SwiftShader',
    steps: findSwiftshader() ? onSwiftshader : undefined,
    missing: 'there is no SwiftShader; `doctor --install swiftshader` brings it',
  },
  {
    name: "Deno's wgpu",
    steps: deno
      ? (optimizer) => runInDeno(deno, `runSteps(library, '${optimizer}')`) as Promise<StepResults>
      : undefined,
    missing: 'there is no deno; name one by GSAS_DENO, or run .ci/run, which installs one',
  },
];

async function onSwiftshader(optimizer: string): Promise<StepResults> {
  const other = await openGpu({ adapter: 'swiftshader' });
  try {
    return await runSteps(library, optimizer, other);
  } finally {
    other.close();
  }
}

for (const { name, steps, missing } of OTHERS) {
  const what = `this adapter and ${name} agree to a tolerance`;
  if (!steps) describeUntested(what, missing);
  else
    it(what, async () => {
      // Adam turns the rounding of a gradient that is zero into a whole step, so parameters are compared after plain gradient descent.
      for (const optimizer of ['adam', 'sgd']) {
        const [here, there] = [await runSteps(library, optimizer, gpu), await steps(optimizer)];
        const apart = here.losses.map((loss, i) => Math.abs(there.losses[i] / loss - 1));
        console.info(`${name}, ${optimizer}: losses at most ${Math.max(...apart).toExponential(1)} apart`);
        expect(apart).toHaveLength(20);
        expect(Math.max(...apart)).toBeLessThan(TOLERANCE.loss);
        if (optimizer === 'adam') continue;
        const found = new Map(there.weights);
        for (const [name, data] of here.weights) {
          const largest = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
          const most = data.reduce((most, value, i) => Math.max(most, Math.abs(value - found.get(name)![i])), 0);
          expect(most / largest, name).toBeLessThan(TOLERANCE.parameter);
        }
      }
    }, 300_000);
}
