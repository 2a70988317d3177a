import { beforeAll, describe, expect, it } from 'vitest';
import { Sequences } from '../src/data/dataset.js';
import { markov, popularity } from '../src/infer/baselines.js';
import { evaluate } from '../src/infer/evaluation.js';
import { NeuralRecommender } from '../src/infer/neural.js';
import type { Recommender } from '../src/infer/recommender.js';
import { ScoringRecommender } from '../src/infer/scoring.js';
import { Model } from '../src/model/model.js';
import { initialParameters } from '../src/model/parameters.js';
import { resolveConfig } from '../src/train/config.js';
import { stream } from './support/device.js';
import { dataset, MODEL } from './support/small.js';

const config = resolveConfig(240, [MODEL]);

let model: Model;
let neural: NeuralRecommender;
beforeAll(() => {
  model = new Model(stream, config, initialParameters(config, { seed: 1 }));
  neural = new NeuralRecommender(model, { eval_batch_size: 64 });
});

const histories = Array.from({ length: 40 }, (_, i) => dataset.test.inputs.at(i));
const itemsOf = (lists: { item: number }[][]) => lists.map((list) => list.map(({ item }) => item));

const RECOMMENDERS: Record<string, () => Recommender> = {
  'a model': () => neural,
  popularity: () => popularity(dataset),
  'Markov counts': () => markov(dataset),
};

describe.each(Object.entries(RECOMMENDERS))('%s as a recommender', (_, of) => {
  it('gives each history what it gives it alone, whatever else is in the batch', async () => {
    const together = await of().top(histories, { top: 5 });
    for (const i of [0, 7, 39])
      expect(itemsOf(await of().top([histories[i]], { top: 5 }))).toEqual([itemsOf(together)[i]]);
  });

  it('looks at the last items of its window, and filters all of them', async () => {
    const long = Array.from({ length: 60 }, (_, i) => i + 1);
    const [full] = await of().top([long], { top: 240 });
    const [window] = await of().top([long.slice(-Math.max(1, of().window))], { top: 240, filterRated: false });
    expect(full).toEqual(window.filter(({ item }) => item > 60));
  });

  it('recommends no excluded item to anybody', async () => {
    const all = itemsOf(await of().top(histories, { top: 240 }));
    const exclude = [...new Set(all.map(([first]) => first)), 240];
    const some = itemsOf(await of().top(histories, { top: 240, exclude }));
    expect(some).toEqual(all.map((items) => items.filter((item) => !exclude.includes(item))));
  });

  it('recommends none of those that a history excludes, and as many as are left', async () => {
    const [[first], second] = itemsOf(await of().top(histories.slice(0, 2), { top: 240 }));
    const everything = Array.from({ length: 240 }, (_, i) => i + 1);
    const excludeEach = [[first], everything.filter((item) => item !== 7)];
    const lists = itemsOf(await of().top([histories[0], [8]], { top: 240, excludeEach }));
    expect(lists[0]).not.toContain(first);
    expect(lists[1]).toEqual([7]);
    expect(second.length).toBeGreaterThan(1);
  });

  it('comes batch by batch, each when it is asked for, until it is aborted', async () => {
    const abort = new AbortController();
    let taken = 0;
    const endless = function* () {
      for (;;) yield histories[taken++ % histories.length];
    };
    const batches = of().batches(endless(), { top: 3, signal: abort.signal });
    const { value } = await batches.next();
    expect(taken).toBe((value as unknown[]).length);
    abort.abort();
    await expect(batches.next()).rejects.toBe(abort.signal.reason);
  });

  it('names the best items of `top` in a ranking, where it puts the targets', async () => {
    const { ranks, top } = await of().rank(dataset.test, { top: 30 });
    const lists = itemsOf(
      await of().top(
        Array.from(dataset.test.targets, (_, i) => dataset.test.inputs.at(i)),
        { top: 30 },
      ),
    );
    expect([...top]).toEqual(lists.flat());
    let found = 0;
    for (const [user, target] of dataset.test.targets.entries()) {
      const place = lists[user].indexOf(target);
      if (place < 0) expect(ranks[user]).toBeGreaterThan(0);
      else expect(ranks[user]).toBeLessThanOrEqual(place + 1); // equal scores share the best rank
      if (place >= 0) found++;
    }
    expect(found).toBeGreaterThan(0);
  });

  it.each<[string, number[][], object, RegExp]>([
    ['an empty history', [[1], []], {}, /^history 2 is empty/],
    ['an item of no model', [[1], [2, 241]], {}, /^history 2 has the item 241; items of this model are 1 to 240$/],
    ['an excluded item of no model', [[1]], { exclude: [0] }, /^exclude has the item 0/],
    ['more than top-k holds', [[1]], { top: 513 }, /^top is 513; it must be a whole number from 1 to 512$/],
  ])('refuses %s', async (_, given, options, expected) => {
    await expect(of().top(given, { top: 3, ...options })).rejects.toThrow(expected);
  });
});

describe('probabilities', () => {
  it('are the sigmoids of scores where the model is calibrated, and none elsewhere', async () => {
    const calibrated = new NeuralRecommender(model, { gbce_t: 1 });
    const [list] = await calibrated.top([[1, 2]]);
    for (const { score, probability } of list) expect(probability).toBe(1 / (1 + Math.exp(-score)));
    expect(calibrated.probability!(0)).toBe(0.5);
    expect(calibrated.probability!(-2)).toBeCloseTo(0.1192, 4);
    expect(new NeuralRecommender(model, { gbce_t: 0.75 }).probability).toBeUndefined();
    expect((await neural.top([[1, 2]]))[0][0]).not.toHaveProperty('probability');
  });
});

describe('a scoring of one’s own', () => {
  const split = { inputs: Sequences.from([[1], [2]]), targets: Uint32Array.of(3, 4), users: Uint32Array.of(7, 9) };
  const scoring = { name: 'own', numItems: 4, window: 1, meaning: 'anything' };

  it('knows the users that are known', async () => {
    const seen: unknown[] = [];
    const own = new ScoringRecommender({
      ...scoring,
      scores(_, user) {
        seen.push(user);
        return new Float64Array(5);
      },
    });
    await own.rank(split);
    await own.top([[1], [2], [3]], { users: [5, undefined] });
    expect(seen).toEqual([7, 9, 5, undefined, undefined]);
  });

  it('neither finds nor recommends an item whose score is not a finite number', async () => {
    const scores = Float64Array.of(0, 1, 2, Number.NaN, -Infinity);
    const own = new ScoringRecommender({ ...scoring, scores: () => scores });
    expect([...(await own.rank(split)).ranks]).toEqual([Infinity, Infinity]);
    expect(itemsOf(await own.top([[1]], { exclude: [3] }))).toEqual([[2]]);
    expect(itemsOf(await own.top([[1]]))).toEqual([[2]]);
    expect([...(await own.rank(split, { top: 2 })).top]).toEqual([2, 0, 1, 0]);
  });

  it('can be interrupted while it ranks', async () => {
    const abort = new AbortController();
    const many = { inputs: Sequences.from(Array(1000).fill([1])), targets: new Uint32Array(1000).fill(2) };
    const own = new ScoringRecommender({ ...scoring, scores: () => new Float64Array(5) });
    const done: number[] = [];
    const onProgress = (users: number) => {
      done.push(users);
      if (users >= 512) abort.abort();
    };
    await expect(own.rank(many, { onProgress, signal: abort.signal })).rejects.toThrow(/aborted/);
    expect(done).toEqual([256, 512]);
  });
});

describe('evaluate', () => {
  const options = { filterRated: true, cutoffs: [1, 10, 1000], resamples: 50 };

  it('measures the ranks and the lists of the recommender', async () => {
    const { ranking, estimates, coverage } = await evaluate(neural, dataset, 'val', options);
    expect(ranking.ranks).toEqual((await neural.rank(dataset.val)).ranks);
    const val = Array.from({ length: 40 }, (_, i) => dataset.val.inputs.at(i));
    const lists = itemsOf(await neural.top(val, { top: 10 }));
    expect([...ranking.top]).toEqual(lists.flat());
    const found = lists.filter((items, user) => items.includes(dataset.val.targets[user])).length;
    expect(estimates['recall@10'].value).toBe(found / 40);
    expect(coverage['coverage@10']).toBe(new Set(lists.flat()).size / 240);
    expect(coverage).not.toHaveProperty(['coverage@1000']);
    expect(estimates).toHaveProperty(['ndcg@1000']);
  });

  it('measures a baseline in the same way', async () => {
    const { estimates, ranking } = await evaluate(popularity(dataset), dataset, 'test', options);
    expect(ranking.top).toHaveLength(2000);
    expect(estimates['popularity@1'].value).toBeGreaterThan(estimates['popularity@10'].value);
  });

  it('says how far it is, and ends when it is aborted', async () => {
    const done: [number, number][] = [];
    const abort = new AbortController();
    const onProgress = (...progress: [number, number]) => {
      done.push(progress);
      if (progress[0] >= 128) abort.abort();
    };
    const rejected = evaluate(neural, dataset, 'test', { ...options, onProgress, signal: abort.signal });
    await expect(rejected).rejects.toThrow(/aborted/);
    expect(done).toEqual([
      [64, 200],
      [128, 200],
    ]);
  });
});
