import { expect, it } from 'vitest';
import { TrainingBatches } from '../src/data/batches.js';
import { nextItem } from '../src/data/tasks.js';
import type { Gpu } from '../src/engine/gpu.js';
import { initialParameters } from '../src/model/parameters.js';
import { openGpu } from '../src/node/gpu.js';
import { findSwiftshader } from '../src/node/swiftshader.js';
import { resolveConfig } from '../src/train/config.js';
import { MemoryStore } from '../src/train/memory-store.js';
import { train } from '../src/train/train.js';
import { Trainer } from '../src/train/trainer.js';
import { gpu } from './support/device.js';
import { dataset, TRAINING } from './support/small.js';
import { describeUntested } from './support/untested.js';

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

/** Losses of some steps, and the parameters after them. */
async function steps(on: Gpu, count: number, optimizer: string) {
  const { sequence_length: sequenceLength, train_batch_size: batchSize } = TRAINING;
  const config = resolveConfig(dataset.numItems, [{ ...TRAINING, optimizer }]);
  const batches = new TrainingBatches(nextItem, dataset.train, { sequenceLength, batchSize, seed: 1 });
  const trainer = new Trainer(on, config, { weights: initialParameters(config, { seed: 1, std: 0.1 }), step: 0 });
  const losses: number[] = [];
  for (let i = 0; i < count; i++) losses.push(await trainer.train(batches.batch(0, i % batches.perEpoch)));
  const weights = await trainer.weights();
  trainer.release();
  return { losses, weights };
}

/** How far apart adapters may be: losses relative to themselves, parameters relative to their tensor's largest number. */
const TOLERANCE = { loss: 1e-5, parameter: 1e-5 };

const AGREE = 'two adapters agree to a tolerance';

if (!findSwiftshader()) describeUntested(AGREE, 'there is no SwiftShader; `doctor --install swiftshader` brings it');
else
  it(AGREE, async () => {
    const other = await openGpu({ adapter: 'swiftshader' });
    try {
      // Adam turns the rounding of a gradient that is zero into a whole step, so parameters are compared after plain gradient descent.
      for (const optimizer of ['adam', 'sgd']) {
        const [here, there] = [await steps(gpu, 20, optimizer), await steps(other, 20, optimizer)];
        const apart = here.losses.map((loss, i) => Math.abs(there.losses[i] / loss - 1));
        console.info(`${optimizer}: losses at most ${Math.max(...apart).toExponential(1)} apart`);
        expect(Math.max(...apart)).toBeLessThan(TOLERANCE.loss);
        if (optimizer === 'adam') continue;
        for (const [name, { data }] of here.weights) {
          const largest = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
          const found = there.weights.get(name)!.data;
          const most = data.reduce((most, value, i) => Math.max(most, Math.abs(value - found[i])), 0);
          expect(most / largest, name).toBeLessThan(TOLERANCE.parameter);
        }
      }
    } finally {
      other.close();
    }
  });
