import { describe, expect, it } from 'vitest';
import { type Dataset, Sequences, type Split } from '../src/data/dataset.js';
import { mrr, ndcgAt, recallAt } from '../src/data/metrics.js';
import { markov, popularity } from '../src/infer/baselines.js';
import { itemKnn } from '../src/infer/item-knn.js';
import type { Recommender } from '../src/infer/recommender.js';
import { ScoringRecommender } from '../src/infer/scoring.js';
import { readDataset } from '../src/store/layout.js';
import { describeMovieLens } from './support/movielens.js';

describe('metrics', () => {
  const ranks = [1, 2, 10, 11, Infinity];

  it('average the gain of each rank', () => {
    expect(ndcgAt(10, ranks)).toBeCloseTo((1 + 1 / Math.log2(3) + 1 / Math.log2(11)) / 5, 12);
    expect(recallAt(10, ranks)).toBe(3 / 5);
    expect(recallAt(1, ranks)).toBe(1 / 5);
    expect(mrr(ranks)).toBeCloseTo((1 + 1 / 2 + 1 / 10 + 1 / 11) / 5, 12);
  });
});

describe('ranks by scores', () => {
  const scores = Float64Array.of(99, 5, 4, 4, 3, 1);
  const recommender = new ScoringRecommender({
    ...{ name: 'fixed', numItems: 5, window: 0, meaning: 'fixed' },
    scores: () => scores,
  });
  const rank = async (history: number[], target: number, filterRated = true) => {
    const split = { inputs: Sequences.from([history]), targets: Uint32Array.of(target) };
    return (await recommender.rank(split, { filterRated })).ranks[0];
  };

  it('counts the items that score higher, never entry 0 nor one that ties', async () => {
    expect(await rank([5], 1)).toBe(1);
    expect(await rank([5], 2)).toBe(2);
    expect(await rank([5], 3)).toBe(2);
    expect(await rank([5], 4)).toBe(4);
  });

  it('leaves seen items out, and finds no target among them', async () => {
    expect(await rank([1, 3], 4)).toBe(2);
    expect(await rank([1, 3], 4, false)).toBe(4);
    expect(await rank([4], 4)).toBe(Infinity);
    expect(await rank([4], 4, false)).toBe(4);
  });

  it('leaves the scores as they are', async () => {
    await rank([1, 3], 4);
    expect(scores).toEqual(Float64Array.of(99, 5, 4, 4, 3, 1));
  });
});

describe('baselines', () => {
  const none: Split = { inputs: Sequences.from([]), targets: new Uint32Array(0) };
  const train = Sequences.from([
    [1, 2, 3],
    [4, 1, 2],
    [1, 3, 3],
    [5, 4],
  ]);
  const dataset: Dataset = { name: 'tiny', numItems: 6, train, val: none, test: none };
  /** [N + 1] the scores after a history, by item. */
  const scoresOf = async (recommender: Recommender, history: number[]) => {
    const [list] = await recommender.top([history], { top: 6, filterRated: false });
    const scores = Array(7).fill(0);
    for (const { item, score } of list) scores[item] = score;
    return scores;
  };

  it('popularity counts occurrences in training', async () => {
    expect(await scoresOf(popularity(dataset), [4, 1])).toEqual([0, 3, 2, 3, 2, 1, 0]);
  });

  it('Markov counts what came after the last item, ties by popularity', async () => {
    const scores = await scoresOf(markov(dataset), [4, 1]);
    expect(scores.map(Math.floor)).toEqual([0, 0, 2, 1, 0, 0, 0]);
    expect(scores[1]).toBe(3 / 12);
    expect(scores[4]).toBe(2 / 12);
    expect(scores[5]).toBe(1 / 12);
  });

  it('Markov falls back to popularity after an item that was never followed', async () => {
    const scores = await scoresOf(markov(dataset), [6]);
    expect(scores).toEqual([0, 3, 2, 3, 2, 1, 0].map((count) => count / 12));
  });
});

describe('item-based nearest neighbours', () => {
  const none: Split = { inputs: Sequences.from([]), targets: new Uint32Array(0) };
  const train = Sequences.from([
    [1, 2, 3],
    [2, 1, 1],
    [1, 4],
    [3, 4],
  ]);
  const dataset: Dataset = { name: 'tiny', numItems: 5, train, val: none, test: none };
  const listed = async (history: number[], options: Parameters<typeof itemKnn>[1]) => {
    const [list] = await itemKnn(dataset, options).top([history], { top: 5, filterRated: false });
    return list.filter(({ score }) => score > 0);
  };

  it('are alike by the users that they have in common, however often', async () => {
    const scores = { 2: 2 / (Math.sqrt(3 * 2) + 1), 3: 1 / (Math.sqrt(3 * 2) + 1) };
    expect(await listed([1], { knn_shrinkage: 1 })).toEqual([
      { item: 2, score: scores[2] },
      { item: 3, score: scores[3] },
      { item: 4, score: scores[3] },
    ]);
    expect(await listed([1], { knn_shrinkage: 1, knn_neighbours: 2 })).toHaveLength(2);
    expect(await listed([5], {})).toEqual([]);
  });

  it('add up over the history, whose repetitions do not count', async () => {
    const cosine = 1 / 2; // of 2 and 3, and of 3 and 4: one user in common of two each
    const [best] = await listed([2, 4, 2], { knn_shrinkage: 0 });
    expect(best).toEqual({ item: 1, score: 2 / Math.sqrt(6) + 1 / Math.sqrt(6) });
    expect((await listed([2, 4], { knn_shrinkage: 0 }))[1]).toEqual({ item: 3, score: 2 * cosine });
  });
});

describeMovieLens('baselines on MovieLens-1M', (folder) => {
  it('score what they are known to', async () => {
    const dataset = readDataset(folder);
    const ranksOf = async (recommender: Recommender, split: Split) => (await recommender.rank(split)).ranks;
    const [popular, counts, neighbours] = [popularity(dataset), markov(dataset), itemKnn(dataset)];
    expect(ndcgAt(10, await ranksOf(popular, dataset.val))).toBeCloseTo(0.0179, 4);
    expect(ndcgAt(10, await ranksOf(popular, dataset.test))).toBeCloseTo(0.018, 4);
    expect(recallAt(10, await ranksOf(popular, dataset.test))).toBeCloseTo(0.0369, 4);
    expect(ndcgAt(10, await ranksOf(counts, dataset.val))).toBeCloseTo(0.1373, 4);
    expect(ndcgAt(10, await ranksOf(counts, dataset.test))).toBeCloseTo(0.1259, 4);
    expect(ndcgAt(10, await ranksOf(neighbours, dataset.test))).toBeCloseTo(0.0351, 4);
  });
});
