import { afterAll, beforeAll, expect, it } from 'vitest';
import { partStats } from '../src/data/stats.js';
import { syntheticDataset } from '../src/data/synthetic.js';
import type { Gpu } from '../src/engine/gpu.js';
import { oracle } from '../src/infer/baselines.js';
import { evaluate } from '../src/infer/evaluation.js';
import { NeuralRecommender } from '../src/infer/neural.js';
import { openAdapter } from '../src/node/adapter.js';
import { analyse } from '../src/report/analyse.js';
import type { Analysis } from '../src/report/analysis.js';
import { estimateBuckets } from '../src/report/intervals.js';
import type { Checkpoint } from '../src/train/checkpoint.js';
import { train } from '../src/train/train.js';
import { openTestGpu } from './support/gpu.js';

const world = syntheticDataset({ items: 240, users: 200, valUsers: 40 });
const { dataset } = world;
const source = { dataset, oracle: oracle(world) };

const TIES = { interactions: 7, testTargets: 2 };

/** What the first of the example's users chose next. */
const UNTITLED = dataset.test.targets[33];

let gpu: Gpu;
let best: Checkpoint;
let analysis: Analysis;
beforeAll(async () => {
  const { adapter } = await openAdapter();
  gpu = await openTestGpu({ profile: adapter.features.has('timestamp-query') });
  const options = {
    ...{ sequence_length: 20, embedding_dim: 16, num_heads: 2, num_blocks: 1, dropout_rate: 0.1, negs_per_pos: 8 },
    ...{ train_batch_size: 32, lr: 5e-3, init_std: 0.02, seed: 5, max_steps: 8 },
  };
  best = (await train({ gpu, dataset, options })).best!;
  const items = { titles: new Map([...dataset.titles!, [UNTITLED, '']]), originals: new Map([[UNTITLED, 'C3']]) };
  const users = Array.from(dataset.test.targets, (_, line) => `U${line + 1}`);
  analysis = await analyse(gpu, best, source, { items, users }, TIES);
});
afterAll(() => gpu.close());

const rank = (ranks: ArrayLike<number>) => Array.from(ranks, (value) => (value === Infinity ? 0 : value));

it('ranks the targets of the test split beside the baselines', async () => {
  const recommender = NeuralRecommender.on(gpu, best);
  const { ranks } = await recommender.rank(dataset.test);
  expect(analysis.rankings[0]).toMatchObject({ name: 'gSASRec', ranks: rank(ranks) });
  expect(analysis.rankings.map(({ name }) => name)).toEqual([
    ...['gSASRec', 'popularity', 'first-order Markov counts'],
    ...['item-based nearest neighbours', 'oracle (knows the truth)'],
  ]);
  expect(analysis.rankings.filter(({ bound }) => bound).map(({ name }) => name)).toEqual(['oracle (knows the truth)']);
  expect(analysis).toMatchObject({ step: best.step, users: 200 });
  recommender.release();
});

it('measures coverage, popularity and buckets as `evaluate` does, and the data as `data stats` does', async () => {
  const recommender = NeuralRecommender.on(gpu, best);
  const evaluation = await evaluate(recommender, dataset, 'test');
  recommender.release();
  const { coverage, popularity } = analysis.rankings[0].exposure!;
  expect(coverage).toBe(evaluation.coverage['coverage@10']);
  expect(popularity).toBeCloseTo(evaluation.estimates['popularity@10'].value, 10);
  const buckets = estimateBuckets(analysis.rankings[0], analysis.cases!).flat();
  expect(buckets.map(({ by, from, to, targets }) => [by, from, to, targets])).toEqual(
    evaluation.buckets.map(({ by, from, to, targets }) => [by, from, to, targets]),
  );
  for (const [i, { estimates }] of buckets.entries())
    expect(estimates['ndcg@10']).toEqual(evaluation.buckets[i].estimates['ndcg@10']);
  expect(analysis.data).toMatchObject({ ...partStats(dataset), ties: TIES });
  const last = analysis.data!.popularity.at(-1);
  expect(last).toEqual({ items: 1, interactions: 1 });
});

it('takes precision@K from the ranks, and the probability from the scores of the top K', async () => {
  const { cutoffs, precision, probability, byRank, users } = analysis.calibration;
  expect(users).toBe(200);
  expect(cutoffs).toContain(100);
  const ranks = analysis.rankings[0].ranks;
  cutoffs.forEach((k, i) => {
    const hits = ranks.filter((rank) => rank > 0 && rank <= k).length;
    expect(precision[i]).toBeCloseTo(hits / 200 / k, 12);
    expect(probability[i]).toBeCloseTo(byRank.slice(0, k).reduce((a, b) => a + b) / k, 12);
  });
  const recommender = NeuralRecommender.on(gpu, best);
  const histories = Array.from({ length: 200 }, (_, user) => Array.from(dataset.test.inputs.at(user)));
  const lists = await recommender.top(histories, { top: 1 });
  const mean = lists.reduce((sum, [first]) => sum + 1 / (1 + Math.exp(-first!.score)), 0) / 200;
  expect(probability[0]).toBeCloseTo(mean, 6);
  recommender.release();
});

it('shows users spread over the split, with titles, or ids of the log where there are none', () => {
  expect(analysis.examples.map(({ user }) => user)).toEqual([34, 101, 167]);
  for (const { user, name, history, length, target, rank, recommended, probabilities } of analysis.examples) {
    const past = Array.from(dataset.test.inputs.at(user - 1));
    expect(history.map(({ id }) => id)).toEqual(past.slice(-10));
    expect(length).toBe(past.length);
    expect(name).toBe(`U${user}`);
    for (const { id, title } of [...history, ...recommended, target])
      expect(title).toBe(id === UNTITLED ? 'C3' : dataset.titles!.get(id));
    expect(target.id).toBe(dataset.test.targets[user - 1]);
    expect(rank).toBe(analysis.rankings[0].ranks[user - 1]);
    if (rank > 0 && rank <= 10) expect(recommended[rank - 1]).toEqual(target);
    expect(recommended.some(({ id }) => past.includes(id))).toBe(false);
    expect([...probabilities].sort((a, b) => b - a)).toEqual(probabilities);
  }
});

it('times the kernels of a training step where the adapter can', () => {
  if (!gpu.profiler) {
    expect(analysis).not.toHaveProperty('profile');
    return;
  }
  const { steps, positions, kernels } = analysis.profile!;
  expect(steps).toBeGreaterThan(0);
  expect(positions).toBeGreaterThan(32);
  expect(kernels.map(({ name }) => name)).toContain('matmul');
  expect(kernels.every(({ milliseconds, launches }) => milliseconds > 0 && launches > 0)).toBe(true);
});
