import { expect, it } from 'vitest';
import { NeuralRecommender } from '../src/infer/neural.js';
import type { TrainOptions } from '../src/train/config.js';
import { planTraining } from '../src/train/plan.js';
import { Trainer } from '../src/train/trainer.js';
import { gpu } from './support/device.js';
import { dataset, TRAINING } from './support/small.js';

/**
 * How much of the next item's probability a model gives to the most popular eighth of the catalogue and to the rest, as sums of sigmoids, and how often the last
 * item of a training sequence is one of them.
 */
async function shares(options: Partial<TrainOptions>) {
  const all = { ...TRAINING, negs_per_pos: 32, lr: 0.02, init_prior: true, ...options };
  const plan = await planTraining({ dataset, options: all });
  const { config, batches, counts } = plan;
  const trainer = new Trainer(gpu, config, plan.start(), { counts });
  await trainer.prepare(batches.capacity);
  for (let step = 0; step < 240; step++) await trainer.train(batches.batch(Math.floor(step / 4), step % 4));
  const recommender = new NeuralRecommender(trainer.model, config);
  const { train, numItems } = dataset;
  const users = Array.from({ length: train.count }, (_, user) => user).filter((user) => train.lengthOf(user) > 1);
  const histories = users.map((user) => Array.from(train.at(user).subarray(0, -1)));
  const times = new Float64Array(numItems + 1);
  for (const item of train.items) times[item]++;
  const popular = new Set([...times.keys()].sort((a, b) => times[b] - times[a]).slice(0, numItems / 8));
  const result = { predicted: [0, 0], actual: [0, 0] };
  const lists = await recommender.top(histories, { top: numItems, filterRated: false });
  lists.forEach((list, i) => {
    for (const { item, score } of list)
      result.predicted[popular.has(item) ? 0 : 1] += 1 / (1 + Math.exp(-score)) / users.length;
    result.actual[popular.has(train.at(users[i]).at(-1)!) ? 0 : 1] += 1 / users.length;
  });
  trainer.release();
  return result;
}

it('gbce with t = 1 on negatives by popularity is calibrated, for popular items and for others; with t = 0 it is not', async () => {
  const { predicted, actual } = await shares({ negatives: 'popularity', gbce_t: 1 });
  predicted.forEach((share, group) => {
    expect(share / actual[group]).toBeGreaterThan(0.7); // one exponent for all items would give popular ones less than half
    expect(share / actual[group]).toBeLessThan(1.25);
  });
  const plain = await shares({ negatives: 'popularity', gbce_t: 0 });
  expect(plain.predicted[0] + plain.predicted[1]).toBeGreaterThan(3);
});
