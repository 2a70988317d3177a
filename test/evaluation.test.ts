import { describe, expect, it } from 'vitest';
import { HostRandom } from '../src/base/philox.js';
import { bootstrapIntervals, randomisationTest } from '../src/data/bootstrap.js';
import { quantileBuckets } from '../src/data/buckets.js';
import { type Dataset, Sequences, type Split } from '../src/data/dataset.js';
import { comparePaired, measure } from '../src/data/evaluation.js';
import { coverageAt, popularityAt } from '../src/data/exposure.js';
import { gainsOf, mean, metricsAt } from '../src/data/metrics.js';
import type { Ranking } from '../src/data/rank.js';
import { sampledGains } from '../src/data/sampled.js';
import { ScoringRecommender } from '../src/infer/scoring.js';

const sampling = { resamples: 2000, seed: 7 };

describe('metrics at any cutoffs', () => {
  const ranks = [1, 2, 5, 20, Infinity];
  const value = (name: string) => {
    const metric = metricsAt(['ndcg', 'recall', 'hitrate', 'mrr', 'map'], [1, 5]).find((m) => m.name === name)!;
    return mean(gainsOf(metric, ranks));
  };

  it('are the gains of the ranks within the cutoff', () => {
    expect(value('ndcg@5')).toBeCloseTo((1 + 1 / Math.log2(3) + 1 / Math.log2(6)) / 5, 12);
    expect(value('recall@5')).toBe(3 / 5);
    expect(value('hitrate@1')).toBe(1 / 5);
    expect(value('mrr@5')).toBeCloseTo((1 + 1 / 2 + 1 / 5) / 5, 12);
    expect(value('mrr')).toBeCloseTo((1 + 1 / 2 + 1 / 5 + 1 / 20) / 5, 12);
    expect(value('map@5')).toBe(value('mrr@5'));
    expect(value('map')).toBe(value('mrr'));
  });
});

describe('bootstrapIntervals', () => {
  const random = new HostRandom(3);
  const normal = Float64Array.from({ length: 900 }, () => 5 + random.normal());

  it('are those of the normal approximation where it holds', () => {
    const [[low, high]] = bootstrapIntervals([normal], sampling) as [[number, number]];
    const deviation = Math.sqrt(mean(normal.map((x) => (x - mean(normal)) ** 2)) / normal.length);
    expect(low).toBeCloseTo(mean(normal) - 1.96 * deviation, 2);
    expect(high).toBeCloseTo(mean(normal) + 1.96 * deviation, 2);
  });

  it('depend on the seed and on nothing else', () => {
    const again = bootstrapIntervals([normal, normal.map((x) => 2 * x)], sampling);
    expect(again[0]).toEqual(bootstrapIntervals([normal], sampling)[0]);
    expect(again[1]).toEqual(again[0].map((end) => 2 * end));
    expect(bootstrapIntervals([normal], { ...sampling, seed: 8 })).not.toEqual([again[0]]);
  });

  it('draw all lines of a user together', () => {
    const thrice = Float64Array.from({ length: 2700 }, (_, line) => normal[Math.floor(line / 3)]);
    const userOf = Array.from(thrice, (_, line) => `user ${Math.floor(line / 3)}`);
    const [alone] = bootstrapIntervals([normal], sampling);
    const [together] = bootstrapIntervals([thrice], { ...sampling, userOf });
    for (const end of [0, 1] as const) expect(together![end]).toBeCloseTo(alone![end], 12);
    const difference = normal.map((x) => x - 4.95);
    const ofThrice = thrice.map((x) => x - 4.95);
    expect(randomisationTest([ofThrice], { ...sampling, userOf })).toEqual(randomisationTest([difference], sampling));
  });

  it('have no width where all users agree', () => {
    expect(bootstrapIntervals([new Float64Array(50).fill(0.25)], sampling)).toEqual([[0.25, 0.25]]);
  });
});

describe('randomisationTest', () => {
  it('finds the share of signs that give as large a difference', () => {
    // Of the 2^8 signs of eight equal differences, two give as large a mean; of those of 1, 2, 3, the four whose sum is 4 or 6.
    const [equal] = randomisationTest([new Float64Array(8).fill(0.5)], { resamples: 40_000, seed: 1 });
    expect(equal).toBeCloseTo(2 / 256, 3);
    const [mixed] = randomisationTest([Float64Array.of(-1, 2, 3)], { resamples: 40_000, seed: 1 });
    expect(mixed).toBeCloseTo(4 / 8, 2);
  });

  it('is certain of no difference, and never more certain of one than it has looked', () => {
    expect(randomisationTest([new Float64Array(40)], sampling)).toEqual([1]);
    expect(randomisationTest([new Float64Array(500).fill(1)], sampling)).toEqual([1 / 2001]);
  });
});

describe('quantileBuckets', () => {
  it('part users evenly, equal values together', () => {
    const buckets = quantileBuckets([9, 1, 3, 7, 5, 11, 13, 15], 4);
    expect(buckets.map(({ from, to, users }) => [from, to, [...users]])).toEqual([
      [1, 3, [1, 2]],
      [5, 7, [3, 4]],
      [9, 11, [0, 5]],
      [13, 15, [6, 7]],
    ]);
    const tied = quantileBuckets([0, 0, 0, 0, 0, 0, 1, 2], 4);
    expect(tied.map(({ from, to, users }) => [from, to, users.length])).toEqual([
      [0, 0, 6],
      [1, 2, 2],
    ]);
    expect(quantileBuckets([4, 4], 4)).toHaveLength(1);
    expect(quantileBuckets([1, 2, 3], 0)).toEqual([]);
  });
});

describe('what is recommended', () => {
  const ranking: Ranking = { ranks: Float64Array.of(1, 1, 1), top: Uint32Array.of(1, 2, 2, 3, 1, 0) };
  const counts = Float64Array.of(0, 10, 4, 1, 7);

  it('covers a share of the catalogue', () => {
    expect(coverageAt(1, ranking, 4)).toBe(2 / 4);
    expect(coverageAt(2, ranking, 4)).toBe(3 / 4);
  });

  it('has a mean popularity, of as many items as there are', () => {
    expect([...popularityAt(1, ranking, counts)]).toEqual([10, 4, 10]);
    expect([...popularityAt(2, ranking, counts)]).toEqual([7, 2.5, 10]);
  });
});

describe('a ranking by scores', () => {
  it('lists the best items in order, seen ones left out', async () => {
    const random = new HostRandom(5);
    const scores = Float64Array.from({ length: 41 }, () => random.integer(12));
    const recommender = new ScoringRecommender({
      ...{ name: 'random', numItems: 40, window: 0, meaning: 'random' },
      scores: () => scores,
    });
    const listed = async (top: number) => [...(await recommender.rank(split, { top })).top];
    const split: Split = { inputs: Sequences.from([[3, 9, 9, 12]]), targets: Uint32Array.of(7) };
    const all = Array.from({ length: 40 }, (_, i) => i + 1).filter((item) => ![3, 9, 12].includes(item));
    const expected = all.toSorted((a, b) => scores[b] - scores[a] || a - b);
    expect(await listed(10)).toEqual(expected.slice(0, 10));
    expect(await listed(40)).toEqual([...expected, 0, 0, 0]);
  });
});

describe('sampledGains', () => {
  it('are what drawing rivals gives on average', () => {
    const [metric] = metricsAt(['ndcg'], [3]);
    const random = new HostRandom(9);
    const draws = Float64Array.from({ length: 40_000 }, () => {
      let rank = 1;
      for (let i = 0; i < 20; i++) if (random.integer(99) < 12) rank++;
      return gainsOf(metric!, [rank])[0];
    });
    expect(sampledGains(metric!, [13], [99], 20)[0]).toBeCloseTo(mean(draws), 2);
  });

  it('are those of the whole catalogue at its ends', () => {
    const [ndcg, reciprocal] = metricsAt(['ndcg', 'mrr'], [10]).filter(({ name }) => name !== 'mrr@10');
    expect([...sampledGains(ndcg!, [1, 100, Infinity], [99, 99, 99], 50)]).toEqual([1, 0, 0]);
    expect(sampledGains(reciprocal!, [100], [99], 50)[0]).toBeCloseTo(1 / 51, 12);
  });
});

describe('measure', () => {
  const train = Sequences.from([
    [1, 2, 3],
    [1, 2],
    [1, 4],
  ]);
  const split: Split = { inputs: Sequences.from([[1], [1, 2], [1, 2, 3]]), targets: Uint32Array.of(2, 3, 4) };
  const dataset: Dataset = { name: 'tiny', numItems: 4, train, val: split, test: split };
  const wanted = { ...sampling, metrics: ['recall'] as const, cutoffs: [1, 2], filterRated: true, buckets: 2 };
  const ranking: Ranking = { ranks: Float64Array.of(1, 2, 1), top: Uint32Array.of(2, 3, 4, 3, 4, 0) };

  it('tells metrics, coverage, popularity and buckets of users', () => {
    const { estimates, coverage, buckets, sampled } = measure(ranking, dataset, split, wanted);
    expect(estimates['recall@1'].value).toBe(2 / 3);
    expect(estimates['recall@2']).toEqual({ value: 1, low: 1, high: 1 });
    expect(estimates['popularity@1'].value).toBe((2 + 1 + 1) / 3);
    expect(coverage).toEqual({ 'coverage@1': 2 / 4, 'coverage@2': 3 / 4 });
    expect(buckets.map(({ by, from, to, targets }) => [by, from, to, targets])).toEqual([
      ['length', 1, 2, 2],
      ['length', 3, 3, 1],
      ['popularity', 1, 1, 2],
      ['popularity', 2, 2, 1],
    ]);
    expect(buckets[0].estimates['recall@1'].value).toBe(1 / 2);
    expect(sampled).toBeUndefined();
  });

  it('leaves out coverage and popularity where the lists are too short for them', () => {
    const { estimates, coverage } = measure({ ...ranking, top: Uint32Array.of(2, 4, 4) }, dataset, split, wanted);
    expect(Object.keys(coverage)).toEqual(['coverage@1']);
    expect(Object.keys(estimates)).toEqual(['recall@1', 'recall@2', 'popularity@1']);
  });

  it('samples rivals among the items that the target was ranked against', () => {
    const { sampled } = measure(ranking, dataset, split, { ...wanted, sampled: 1 });
    // User 2: of the rivals 3 - 1 = 1 (item 4) one is better, and it is always drawn.
    expect(sampled!['recall@1'].value).toBe(2 / 3);
  });

  it('compares two rankers by user', () => {
    const better = measure(ranking, dataset, split, wanted);
    const worse = measure({ ...ranking, ranks: Float64Array.of(2, 2, 3) }, dataset, split, wanted);
    const { 'recall@1': first, 'popularity@1': popularity } = comparePaired(better.values, worse.values, sampling);
    expect(first!.difference).toBe(2 / 3);
    expect(first!.low).toBe(0);
    expect(first!.high).toBe(1);
    expect(first!.p).toBeCloseTo(1 / 2, 1);
    expect(popularity).toEqual({ difference: 0, low: 0, high: 0, p: 1 });
  });
});
