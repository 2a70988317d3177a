import { beforeAll, describe, expect, it } from 'vitest';
import { popularityScores } from '../src/infer/baselines.js';
import { evaluate, evaluateScorer } from '../src/infer/evaluation.js';
import { rankSplit } from '../src/infer/ranking.js';
import { probabilityOf, recommend, recommendBatches } from '../src/infer/recommend.js';
import { Model } from '../src/model/model.js';
import { initialParameters } from '../src/model/parameters.js';
import { resolveConfig } from '../src/train/config.js';
import { stream } from './support/device.js';
import { dataset, MODEL } from './support/small.js';

const config = resolveConfig(240, [MODEL]);

let model: Model;
beforeAll(() => {
  model = new Model(stream, config, initialParameters(config, { seed: 1 }));
});

const histories = Array.from({ length: 40 }, (_, i) => dataset.test.inputs.at(i));
const itemsOf = (lists: { item: number }[][]) => lists.map((list) => list.map(({ item }) => item));

describe('recommend', () => {
  it('gives each history what it gives it alone, whatever else is in the batch', async () => {
    const together = await recommend(model, histories, { top: 5, filterRated: true });
    for (const i of [0, 7, 39]) {
      expect(itemsOf(await recommend(model, [histories[i]], { top: 5, filterRated: true }))).toEqual([
        itemsOf(together)[i],
      ]);
    }
  });

  it('looks at the last sequence_length items, and filters all of them', async () => {
    const long = Array.from({ length: 60 }, (_, i) => i + 1);
    const [full] = await recommend(model, [long], { top: 240, filterRated: true });
    const [window] = await recommend(model, [long.slice(-20)], { top: 240, filterRated: false });
    expect(full).toEqual(window!.filter(({ item }) => item > 60));
  });

  it('recommends no excluded item to anybody', async () => {
    const all = itemsOf(await recommend(model, histories, { top: 240, filterRated: true }));
    const exclude = [...new Set(all.map(([first]) => first!)), 240];
    const some = itemsOf(await recommend(model, histories, { top: 240, filterRated: true, exclude }));
    expect(some).toEqual(all.map((items) => items.filter((item) => !exclude.includes(item))));
  });

  it('comes batch by batch, each when it is asked for, until it is aborted', async () => {
    const abort = new AbortController();
    let taken = 0;
    const endless = function* () {
      for (;;) yield histories[taken++ % histories.length];
    };
    const batches = recommendBatches(model, endless(), { top: 3, filterRated: true, signal: abort.signal });
    const { value } = await batches.next();
    expect(taken).toBe((value as unknown[]).length);
    abort.abort();
    await expect(batches.next()).rejects.toBe(abort.signal.reason);
  });

  it.each<[string, number[][], object, RegExp]>([
    ['an empty history', [[1], []], {}, /^history 2 is empty/],
    ['an item of no model', [[1], [2, 241]], {}, /^history 2 has the item 241; items of this model are 1 to 240$/],
    ['an excluded item of no model', [[1]], { exclude: [0] }, /^exclude has the item 0/],
    ['more than top-k holds', [[1]], { top: 513 }, /^top is 513; it must be a whole number from 1 to 512$/],
  ])('refuses %s', async (_, given, options, expected) => {
    await expect(recommend(model, given, { top: 3, filterRated: true, ...options })).rejects.toThrow(expected);
  });
});

describe('probabilityOf', () => {
  it('is the sigmoid where the model is calibrated, and nothing elsewhere', () => {
    expect(probabilityOf(0, 1)).toBe(0.5);
    expect(probabilityOf(-2, 1)).toBeCloseTo(0.1192, 4);
    expect(probabilityOf(0, 0.75)).toBeUndefined();
  });
});

describe('evaluate', () => {
  const options = { batchSize: 64, filterRated: true, cutoffs: [1, 10, 1000], resamples: 50 };

  it('measures the ranks of rankSplit and the lists of recommend', async () => {
    const { ranking, estimates, coverage } = await evaluate(model, dataset, 'val', options);
    expect(ranking.ranks).toEqual(await rankSplit(model, dataset.val, options));
    const val = Array.from({ length: 40 }, (_, i) => dataset.val.inputs.at(i));
    const lists = itemsOf(await recommend(model, val, { top: 10, filterRated: true }));
    expect([...ranking.top]).toEqual(lists.flat());
    const found = lists.filter((items, user) => items.includes(dataset.val.targets[user])).length;
    expect(estimates['recall@10'].value).toBe(found / 40);
    expect(coverage['coverage@10']).toBe(new Set(lists.flat()).size / 240);
    expect(coverage).not.toHaveProperty(['coverage@1000']);
    expect(estimates).toHaveProperty(['ndcg@1000']);
  });

  it('measures a baseline in the same way', () => {
    const { estimates, ranking } = evaluateScorer(popularityScores(dataset), dataset, 'test', options);
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
    const rejected = evaluate(model, dataset, 'test', { ...options, onProgress, signal: abort.signal });
    await expect(rejected).rejects.toThrow(/aborted/);
    expect(done).toEqual([
      [64, 200],
      [128, 200],
    ]);
  });
});
