import { beforeAll, describe, expect, it } from 'vitest';
import { DeviceError, InputError } from '../src/base/errors.js';
import { Sequences } from '../src/data/dataset.js';
import { fullHistories, withNothingHeldOut } from '../src/data/histories.js';
import { popularity } from '../src/infer/baselines.js';
import { evaluate } from '../src/infer/evaluation.js';
import { NeuralRecommender } from '../src/infer/neural.js';
import { initialParameters } from '../src/model/parameters.js';
import { resolveConfig } from '../src/train/config.js';
import { stream } from './support/device.js';
import { openTestGpu } from './support/gpu.js';
import { dataset, MODEL } from './support/small.js';

const config = resolveConfig(240, [MODEL]);
const weights = initialParameters(config, { seed: 1 });
const itemsOf = (lists: readonly (readonly { item: number }[])[]) => lists.map((list) => list.map(({ item }) => item));
const histories = [[3, 9, 4], [7], [200, 1]];

let neural: NeuralRecommender;
beforeAll(() => {
  neural = NeuralRecommender.on(stream.gpu, { config, weights });
});

describe.each([
  ['a model', () => neural],
  ['popularity', () => popularity(dataset)],
] as const)('the lists of %s', (_, of) => {
  it('hold only what is allowed to all, or to one', async () => {
    const all = itemsOf(await of().top(histories, { top: 240 }));
    const allowed = Array.from({ length: 50 }, (_, i) => 240 - 4 * i);
    const some = itemsOf(await of().top(histories, { top: 240, only: allowed, exclude: [240] }));
    expect(some).toEqual(all.map((list) => list.filter((item) => item !== 240 && allowed.includes(item))));
    const each = itemsOf(await of().top(histories, { top: 240, onlyEach: [[5, 3], undefined, allowed] }));
    expect(each).toEqual([[5], all[1], all[2].filter((item) => allowed.includes(item))]);
    await expect(of().top(histories, { only: [241] })).rejects.toThrow(/^only has the item 241/);
  });

  it('hold so many of a category at most, in the order in which they would be without', async () => {
    // Two categories of most items, and one item in three that has none.
    const categories = new Map(
      Array.from({ length: 240 }, (_, i) => [i + 1, i % 3 === 1 ? 'few' : 'many'] as [number, string]).filter(
        ([item]) => item % 3 !== 0,
      ),
    );
    const all = itemsOf(await of().top(histories, { top: 240 }));
    for (const [top, most] of [
      [3, 2],
      [20, 2],
      [240, 2],
      [20, 0],
    ]) {
      const some = itemsOf(await of().top(histories, { top, perCategory: { most, of: categories } }));
      const expected = all.map((list) => {
        const held: Record<string, number> = {};
        return list
          .filter((item) => {
            const category = categories.get(item);
            if (category === undefined) return true;
            held[category] = (held[category] ?? 0) + 1;
            return held[category] <= most;
          })
          .slice(0, top);
      });
      expect(some).toEqual(expected);
    }
  });
});

describe('similar items', () => {
  it('are those of the largest cosine, in float64 on the host, without itself', async () => {
    const { data } = weights.get('output_embedding.weight')!;
    const D = config.embedding_dim;
    const row = (item: number) => Array.from(data.subarray(item * D, (item + 1) * D));
    const dot = (a: number[], b: number[]) => a.reduce((sum, value, i) => sum + value * b[i], 0);
    const cosine = (a: number[], b: number[]) => dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
    const lists = await neural.similar([5, 240], { top: 10 });
    [5, 240].forEach((item, i) => {
      const others = Array.from({ length: 240 }, (_, other) => other + 1).filter((other) => other !== item);
      const ranked = others
        .map((other) => ({ item: other, score: cosine(row(item), row(other)) }))
        .sort((a, b) => b.score - a.score);
      expect(lists[i].map((one) => one.item)).toEqual(ranked.slice(0, 10).map((one) => one.item));
      lists[i].forEach(({ score }, place) => {
        expect(score).toBeCloseTo(ranked[place].score, 5);
      });
    });
    expect(itemsOf(await neural.similar([5], { only: [5, 7, 8], exclude: [8] }))).toEqual([[7]]);
  });

  it('are known to models alone', async () => {
    await expect(popularity(dataset).similar([1])).rejects.toThrow(/^popularity has no vectors of items/);
    await expect(neural.similar([0])).rejects.toThrow(/^items has the item 0/);
  });
});

it('says that a model was released, and that a device was closed', async () => {
  const released = NeuralRecommender.on(stream.gpu, { config, weights });
  await released.similar([1]);
  released.release();
  released.release(); // once more does nothing
  for (const use of [() => released.top([[1]]), () => released.rank(dataset.test), () => released.similar([2])])
    await expect(use()).rejects.toThrow('this model was released; load its checkpoint again');
  const gpu = await openTestGpu();
  const homeless = NeuralRecommender.on(gpu, { config, weights });
  gpu.close();
  for (const use of [() => homeless.top([[1]]), () => homeless.rank(dataset.test), () => homeless.similar([2])])
    await expect(use()).rejects.toThrow('the GPU was closed; open another one');
  expect(() => NeuralRecommender.on(gpu, { config, weights })).toThrow(DeviceError);
});

it('refuses what an evaluation does not know', async () => {
  const ranker = popularity(dataset);
  for (const [split, options, message] of [
    ['tst', {}, 'unknown split "tst"; did you mean test?'],
    ['test', { metrics: ['ndgc'] }, 'unknown metric "ndgc"; did you mean ndcg?'],
    ['test', { cutoffs: [10, 0] }, 'cutoffs has 0; it must hold whole numbers from 1'],
    ['test', { cutof: [10] }, 'unknown option of an evaluation "cutof"; did you mean cutoffs?'],
  ] as const)
    await expect(evaluate(ranker, dataset, split as 'test', options as object)).rejects.toThrow(
      new InputError(message),
    );
});

describe('full histories', () => {
  const none = { inputs: Sequences.from([]), targets: new Uint32Array(0) };
  const listsOf = (sequences: Sequences) =>
    Array.from({ length: sequences.count }, (_, i) => Array.from(sequences.at(i)));

  it('are the longest that any line of a user tells, of users that never train too', () => {
    const data = {
      ...{ name: 'tiny', numItems: 9, train: Sequences.from([[1, 2], [3]]) },
      val: { inputs: Sequences.from([[3]]), targets: Uint32Array.of(4), users: Uint32Array.of(1) },
      test: { inputs: Sequences.from([[1, 2], [5]]), targets: Uint32Array.of(8, 6), users: Uint32Array.of(0, 2) },
    };
    expect(listsOf(fullHistories(data))).toEqual([
      [1, 2, 8],
      [3, 4],
      [5, 6],
    ]);
    const whole = withNothingHeldOut(data);
    expect([whole.train.count, whole.val.targets.length, whole.test.targets.length]).toEqual([3, 0, 0]);
  });

  it('need no numbers of users where each line of a split goes on from one of training', () => {
    const train = Sequences.from([[1, 2], [3]]);
    const val = { inputs: Sequences.from([[3]]), targets: Uint32Array.of(4) }; // of a stranger to the host
    const test = {
      inputs: Sequences.from([
        [1, 2],
        [3, 4],
      ]),
      targets: Uint32Array.of(7, 5),
    };
    expect(listsOf(fullHistories({ name: 'tiny', numItems: 9, train, val, test }))).toEqual([
      [1, 2, 7],
      [3, 4, 5],
    ]);
    expect(listsOf(fullHistories({ name: 'tiny', numItems: 9, train, val: none, test: none }))).toEqual([[1, 2], [3]]);
    const strange = {
      inputs: Sequences.from([
        [9, 2],
        [3, 4],
      ]),
      targets: Uint32Array.of(7, 5),
    };
    expect(() => fullHistories({ name: 'tiny', numItems: 9, train, val, test: strange })).toThrow(
      /^tiny: which user a held-out line is of is not known/,
    );
  });
});
