import { beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../src/base/errors.js';
import { ndcgAt } from '../src/data/metrics.js';
import { type SyntheticDataset, syntheticDataset } from '../src/data/synthetic.js';
import { markov, oracle, popularity } from '../src/infer/baselines.js';
import type { Recommender } from '../src/infer/recommender.js';

describe('syntheticDataset', () => {
  let world: SyntheticDataset;
  beforeAll(() => {
    world = syntheticDataset();
  });

  it('is a function of its seed', () => {
    expect(syntheticDataset().dataset).toEqual(world.dataset);
    expect(syntheticDataset({ seed: 2 }).dataset.train).not.toEqual(world.dataset.train);
  });

  it('has the sizes it promises and no item twice in a history', () => {
    const { dataset, valUsers } = world;
    expect(dataset.numItems).toBe(2000);
    expect(dataset.train.count).toBe(3000);
    expect(dataset.val.inputs.count).toBe(512);
    expect(new Set(valUsers).size).toBe(512);
    expect(dataset.test.inputs.count).toBe(3000);
    expect(dataset.titles!.size).toBe(2000);
    for (let user = 0; user < 3000; user++) {
      const history = [...dataset.test.inputs.at(user), dataset.test.targets[user]];
      expect(history.length).toBeGreaterThanOrEqual(10);
      expect(history.length).toBeLessThanOrEqual(60);
      expect(new Set(history).size).toBe(history.length);
      expect(Math.min(...history)).toBeGreaterThanOrEqual(1);
      expect(Math.max(...history)).toBeLessThanOrEqual(2000);
    }
  });

  it('trains on nothing that is held out', () => {
    const { dataset, valUsers } = world;
    const lineOf = new Map(Array.from(valUsers, (user, line) => [user, line]));
    for (let user = 0; user < 3000; user++) {
      const seen = dataset.test.inputs.at(user);
      const line = lineOf.get(user);
      expect(dataset.train.at(user)).toEqual(line === undefined ? seen : seen.subarray(0, -1));
      if (line !== undefined) {
        expect(dataset.val.inputs.at(line)).toEqual(seen.subarray(0, -1));
        expect(dataset.val.targets[line]).toBe(seen.at(-1));
      }
    }
  });

  it('is far better known to the oracle than to popularity, and better than to counts of transitions', async () => {
    const { dataset } = world;
    const ndcg = async (recommender: Recommender, split = dataset.test) =>
      ndcgAt(10, (await recommender.rank(split)).ranks);
    const best = await ndcg(oracle(world));
    expect(best).toBeGreaterThan(0.25);
    expect(await ndcg(popularity(dataset))).toBeLessThan(0.05);
    expect(await ndcg(markov(dataset))).toBeLessThan(0.85 * best);
    expect(await ndcg(oracle(world), dataset.val)).toBeCloseTo(best, 1);
  });

  it('is recommended from by the oracle: true probabilities, of a user that is known and of a stranger', async () => {
    const { dataset } = world;
    const history = dataset.test.inputs.at(12);
    const [[own], [stranger]] = await oracle(world).top([history, history], { top: 1, users: [12] });
    expect(own.probability).toBe(Math.max(...world.oracleScores(12, history)));
    expect(own.probability).not.toBe(stranger.probability);
    const anybody = world.oracleScores(undefined, history);
    expect(anybody.reduce((sum, p) => sum + p)).toBeCloseTo(1, 12);
    expect(stranger.score).toBe(Math.max(...anybody));
  });

  it('gives the oracle a probability distribution over unseen items', () => {
    for (const history of [[], [5], [5, 17], [1999, 2000, 1, 3]]) {
      const p = world.oracleScores(12, history);
      expect(p.length).toBe(2001);
      expect(p.reduce((sum, x) => sum + x)).toBeCloseTo(1, 12);
      expect(p[0]).toBe(0);
      for (const item of history) expect(p[item]).toBe(0);
      expect(p.filter((x) => x > 0).length).toBe(2000 - history.length);
    }
  });

  it('draws items as often as the oracle says', () => {
    const { dataset, oracleScores } = syntheticDataset({ items: 200, users: 500, valUsers: 10 });
    const RANKS = 12;
    const predicted = new Float64Array(RANKS);
    const variance = new Float64Array(RANKS);
    const observed = new Float64Array(RANKS);
    const expectedOf = new Float64Array(201);
    const drawnOf = new Float64Array(201);
    for (let user = 0; user < 500; user++) {
      const items = [...dataset.test.inputs.at(user), dataset.test.targets[user]];
      items.forEach((next, t) => {
        const p = oracleScores(user, items.slice(0, t));
        const order = [...p.keys()].sort((a, b) => p[b] - p[a]).slice(0, RANKS);
        order.forEach((item, rank) => {
          predicted[rank] += p[item];
          variance[rank] += p[item] * (1 - p[item]);
          if (item === next) observed[rank]++;
        });
        for (let item = 1; item <= 200; item++) expectedOf[item] += p[item];
        drawnOf[next]++;
      });
    }
    // For each r, the item that the oracle ranks r-th occurs as often as it should (within 4 standard deviations), and so does each item.
    for (let r = 0; r < RANKS; r++) {
      expect(Math.abs(observed[r] - predicted[r])).toBeLessThan(4 * Math.sqrt(variance[r]));
    }
    const chiSquare = expectedOf.reduce((sum, e, item) => (item ? sum + (drawnOf[item] - e) ** 2 / e : 0), 0);
    expect(chiSquare).toBeLessThan(200 + 4 * Math.sqrt(400));
  });

  it('refuses a catalogue too small for its genres', () => {
    expect(() => syntheticDataset({ items: 100 })).toThrow(InputError);
    expect(() => syntheticDataset({ items: 100 })).toThrow(/100 items is too small; ask for at least 200/);
  });
});
