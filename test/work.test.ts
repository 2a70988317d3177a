import { describe, expect, it } from 'vitest';
import { TrainingBatches } from '../src/data/batches.js';
import { nextItem } from '../src/data/tasks.js';
import { sharesOf } from '../src/engine/work.js';
import { NeuralRecommender } from '../src/infer/neural.js';
import { initialParameters } from '../src/model/parameters.js';
import { resolveConfig } from '../src/train/config.js';
import { Trainer } from '../src/train/trainer.js';
import { openTestGpu } from './support/gpu.js';
import { dataset, TRAINING } from './support/small.js';

describe('work that a watchdog would end', () => {
  it('is split into launches that have every workgroup once and do no more than they may', () => {
    expect(sharesOf(100_000, 3, { most: 300_000, grid: 65_535 })).toEqual([
      { first: 0, count: 100_000, work: 300_000 },
    ]);
    expect(sharesOf(10, 3, { most: 12, grid: 65_535 })).toEqual([
      { first: 0, count: 4, work: 12 },
      { first: 4, count: 4, work: 12 },
      { first: 8, count: 2, work: 6 },
    ]);
    expect(sharesOf(2, 30, { most: 12, grid: 65_535 }).map(({ count }) => count)).toEqual([1, 1]);
    expect(sharesOf(100_000, 1, { most: 99_999, grid: 65_535 }).map(({ count }) => count)).toEqual([65_535, 34_465]);
    expect(sharesOf(0, 3, { most: 12, grid: 65_535 })).toEqual([]);
  });

  const { negs_per_pos, ...training } = TRAINING;

  /** A few steps and a ranking with submits of so many multiply-adds. */
  async function results(mostWork: number | undefined, options: object) {
    const gpu = await openTestGpu(mostWork === undefined ? {} : { mostWork });
    const config = resolveConfig(dataset.numItems, [{ ...training, ...options, reuse_item_embeddings: true }]);
    const { sequence_length: sequenceLength, train_batch_size: batchSize } = config;
    const batches = new TrainingBatches(nextItem, dataset.train, { sequenceLength, batchSize, seed: 1 });
    const trainer = new Trainer(gpu, config, { weights: initialParameters(config, { seed: 1, std: 0.1 }), step: 0 });
    await trainer.prepare(batches.capacity);
    const losses: number[] = [];
    for (let i = 0; i < 3; i++) losses.push(await trainer.train(batches.batch(0, i)));
    const stepSubmits = gpu.submits;
    const weights = [...(await trainer.weights())].map(([name, { data }]) => [
      name,
      Buffer.from(data.buffer).toString('hex'),
    ]);
    const { ranks, top } = await new NeuralRecommender(trainer.model, config).rank(dataset.val, { top: 5 });
    const { ranks: alone } = await new NeuralRecommender(trainer.model, config).rank(dataset.val);
    gpu.close();
    return { bits: { losses, weights, ranks, top, alone }, stepSubmits };
  }

  it.each([
    { loss: 'gbce', negs_per_pos },
    { loss: 'ce', negatives: 'catalogue' },
  ])('and submitted in parts, to the same bits (%o)', async (options) => {
    const [whole, parts] = [await results(undefined, options), await results(20_000, options)];
    expect(parts.bits).toEqual(whole.bits);
    expect(parts.stepSubmits).toBeGreaterThan(4 * whole.stepSubmits);
  });
});
