import { describe, expect, it } from 'vitest';
import { OutOfMemoryError } from '../src/base/errors.js';
import { settingsOf } from '../src/base/options.js';
import { HostRandom } from '../src/base/philox.js';
import { TrainingBatches } from '../src/data/batches.js';
import { nextItem } from '../src/data/tasks.js';
import { Gradient } from '../src/engine/gradient.js';
import type { Tensor } from '../src/engine/tensor.js';
import { scatterAdd } from '../src/kernels/scatter_add/index.js';
import { scatterAddReference } from '../src/kernels/scatter_add/reference.js';
import { applyUpdate, type Moved, updateDense, updateRows } from '../src/kernels/update/index.js';
import { lazyReference } from '../src/kernels/update/reference.js';
import type { RuleState } from '../src/kernels/update/rule.js';
import { adam } from '../src/kernels/update/rules/adam.js';
import { RULES } from '../src/kernels/update/rules/index.js';
import { initialParameters } from '../src/model/parameters.js';
import { checkTables } from '../src/model/tables.js';
import { resolveConfig, type TrainOptions, updatesLazily } from '../src/train/config.js';
import { Trainer, type TrainerState } from '../src/train/trainer.js';
import { gpu, stream } from './support/device.js';
import { dataset, MODEL } from './support/small.js';

const OPTIONS = { ...MODEL, dropout_rate: 0.1, negs_per_pos: 8, train_batch_size: 16, seed: 5 };
const TABLES = ['item_embedding.weight', 'output_embedding.weight'];

describe('table updates', () => {
  const uniform = (random: HostRandom, n: number, below: number) =>
    Uint32Array.from({ length: n }, () => random.integer(below));
  const normal = (random: HostRandom, n: number) => Float32Array.from({ length: n }, () => random.normal());

  /** Q rows for `share` pairs each, of items from `draw`. */
  function table(R: number, D: number, Q: number, share: number, draw: (random: HostRandom) => number) {
    const random = new HostRandom(3);
    const ids = Uint32Array.from({ length: Q * share }, () => draw(random));
    const source = normal(random, Q * D);
    const weights = normal(random, Q * share);
    const param = normal(random, R * D);
    return { ids, source, weights, param, R, D, Q, share };
  }

  /** Parameters and moments after `count` steps on the same pairs; `apart`: the gradient is written, and dense Adam reads it. */
  async function steps(given: ReturnType<typeof table>, count: number, kind: 'apart' | 'dense' | 'lazy') {
    const { R, D, Q, share } = given;
    const ids = stream.upload(given.ids, [Q, share]);
    const source = stream.upload(given.source, [Q, D]);
    const weights = stream.upload(given.weights, [Q, share]);
    const state = { param: stream.upload(given.param, [R, D]), m: stream.zeros([R, D]), v: stream.zeros([R, D]) };
    for (let step = 1; step <= count; step++) {
      if (kind !== 'apart') {
        updateRows(stream, { rule: adam, step }, state, [{ ids, source, weights }], { lazy: kind === 'lazy' });
      } else {
        const gradient = stream.empty([R, D]);
        scatterAdd(stream, ids, source, gradient, { weights });
        updateDense(stream, { rule: adam, step }, state, gradient);
        stream.release(gradient);
      }
    }
    const read = async (tensor: Tensor) => Float32Array.from((await stream.read(tensor)) as Float32Array);
    const values = { param: await read(state.param), m: await read(state.m), v: await read(state.v) };
    for (const tensor of [ids, source, weights, ...Object.values(state)]) stream.release(tensor);
    return values;
  }

  it('moves rows that every step touches to the bits of dense Adam, and no other row', async () => {
    const given = table(3001, 24, 400, 3, (random) => 5 + random.integer(700));
    const [dense, lazy] = [await steps(given, 4, 'apart'), await steps(given, 4, 'lazy')];
    const touched = new Set(given.ids);
    let kept = 0;
    for (let row = 0; row < given.R; row++) {
      const [first, end] = [row * given.D, (row + 1) * given.D];
      const expected = touched.has(row) ? dense.param : given.param;
      expect(lazy.param.subarray(first, end)).toEqual(expected.subarray(first, end));
      if (touched.has(row)) expect(lazy.v.subarray(first, end)).toEqual(dense.v.subarray(first, end));
      else kept += Number(lazy.m.subarray(first, end).every((value) => value === 0));
    }
    expect(kept).toBe(given.R - touched.size);
  });

  it.each([
    ['uniform over a million items', 1_000_002, 8, (random: HostRandom) => random.integer(1_000_002)],
    [
      'by popularity (Zipf) over 200000 items',
      200_002,
      8,
      (random: HostRandom) => Math.floor(200_002 ** random.uniform()),
    ],
    ['all of the last item', 100_003, 5, () => 100_002],
  ])('sums pairs to the bits of dense Adam, %s', async (_, R, D, draw) => {
    const given = table(R, D, 61, 257, draw);
    const [apart, dense, lazy] = [
      await steps(given, 1, 'apart'),
      await steps(given, 1, 'dense'),
      await steps(given, 1, 'lazy'),
    ];
    for (const name of ['param', 'm', 'v'] as const) {
      expect(Buffer.compare(bytesOf(dense[name]), bytesOf(apart[name])), `${name}, dense`).toBe(0);
      expect(Buffer.compare(bytesOf(lazy[name]), bytesOf(apart[name])), `${name}, lazy`).toBe(0);
    }
    expect(Buffer.compare(bytesOf((await steps(given, 1, 'lazy')).param), bytesOf(lazy.param))).toBe(0);
  });

  it.each([
    ['SparseAdam', true],
    ['dense Adam', false],
  ])('follows %s in float64 over steps of changing rows', async (_, lazy) => {
    const [R, D, P] = [211, 8, 40];
    const random = new HostRandom(9);
    const start = normal(random, R * D);
    const state = { param: stream.upload(start, [R, D]), m: stream.zeros([R, D]), v: stream.zeros([R, D]) };
    let expected: RuleState = {
      param: Float64Array.from(start),
      m: new Float64Array(R * D),
      v: new Float64Array(R * D),
    };
    for (let step = 1; step <= 12; step++) {
      const ids = uniform(random, P, R);
      const rows = normal(random, P * D);
      const gradient = new Float64Array(R * D);
      rows.forEach((value, i) => {
        const at = ids[Math.floor(i / D)] * D + (i % D);
        gradient[at] = gradient[at] + value;
      });
      const settings = { ...settingsOf(adam), lr: 0.05 };
      const share = { ids: stream.upload(ids, [P]), source: stream.upload(rows, [P, D]) };
      updateRows(stream, { rule: adam, settings, step }, state, [share], { lazy });
      const before = { ...expected, gradient };
      expected = lazy
        ? lazyReference(adam, before, new Set(ids), D, step, settings)
        : adam.reference(before, settings, step);
    }
    const actual = (await stream.read(state.param)) as Float32Array;
    const apart = Math.max(...actual.map((value, i) => Math.abs(value - expected.param[i])));
    expect(apart).toBeLessThan(1e-5);
    expect(Math.max(...actual.map((value, i) => Math.abs(value - start[i])))).toBeGreaterThan(0.1);
  });

  /** Shares of 7 items: weighted pairs, several a row or one, and plain ones. */
  const SHARES = {
    'weighted, three a row': { Q: 5, share: 3, weighted: true },
    'weighted, three a row, of another part of the batch': { Q: 4, share: 3, weighted: true },
    'weighted, one a row': { Q: 6, share: 1, weighted: true },
    'not weighted, two a row': { Q: 3, share: 2, weighted: false },
    plain: { Q: 9, share: 1, weighted: false },
  };

  it.each([
    [['weighted, three a row', 'weighted, three a row, of another part of the batch'], false],
    [['plain', 'weighted, three a row', 'weighted, three a row, of another part of the batch'], false],
    [['weighted, one a row', 'not weighted, two a row', 'plain'], false],
    [['plain', 'plain'], false],
    [['plain'], true],
    [['weighted, three a row', 'plain'], true],
    [Object.keys(SHARES), true],
  ] as const)('takes all of a gradient: %j, a dense part %s', async (names, dense) => {
    const [R, D] = [7, 12];
    const random = new HostRandom(13);
    for (const rule of Object.values(RULES)) {
      for (const lazy of [false, true]) {
        const gradient = new Gradient(stream, [R, D]);
        const sum = new Float64Array(R * D);
        const touched = new Set<number>();
        if (dense) {
          const part = normal(random, R * D);
          part.forEach((value, i) => {
            sum[i] = value;
          });
          gradient.own(stream.upload(part, [R, D]));
        }
        for (const name of names) {
          const { Q, share, weighted } = SHARES[name as keyof typeof SHARES];
          const ids = uniform(random, Q * share, R - 2); // two rows that no pair names
          const source = normal(random, Q * D);
          const weights = weighted ? normal(random, Q * share) : undefined;
          scatterAddReference(ids, weights, Float64Array.from(source), sum, D, share);
          for (const id of ids) touched.add(id);
          gradient.addRows({
            ids: stream.upload(ids, [Q, share]),
            source: stream.upload(source, [Q, D]),
            ...(weights && { weights: stream.upload(weights, [Q, share]) }),
          });
        }
        const start = Object.fromEntries(
          ['param', ...rule.slots].map((name) => [name, normal(random, R * D).map(Math.abs)]),
        );
        const state = Object.fromEntries(
          Object.entries(start).map(([name, data]) => [name, stream.upload(data, [R, D])]),
        );
        const wide = Object.fromEntries(Object.entries(start).map(([name, data]) => [name, Float64Array.from(data)]));
        const expected =
          lazy && !dense
            ? lazyReference(rule, { ...wide, gradient: sum }, touched, D, 3)
            : rule.reference({ ...wide, gradient: sum }, settingsOf(rule), 3);
        applyUpdate(stream, { rule, step: 3 }, state as Moved, gradient, { lazy });
        for (const [name, tensor] of Object.entries(state)) {
          const actual = await stream.read(tensor);
          const apart = Math.max(...actual.map((value, i) => Math.abs(value - expected[name][i])));
          expect(apart, `${rule.name}, ${name}`).toBeLessThan(1e-5);
        }
      }
    }
  });

  it('refuses shares and slots of other shapes', () => {
    const ids = stream.upload(new Uint32Array(6), [3, 2]);
    const source = stream.upload(new Float32Array(12), [3, 4]);
    const state = { param: stream.zeros([5, 4]), m: stream.zeros([5, 4]), v: stream.zeros([5, 4]) };
    const share = { ids, source };
    const step = { rule: adam, step: 1 };
    expect(() => updateRows(stream, step, state, [])).toThrow('scatter_adam: there are no shares to sum');
    expect(() => updateRows(stream, step, { ...state, m: stream.zeros([4, 4]) }, [share])).toThrow(
      /axis R is 5 in param \[5, 4\] but 4 in m \[4, 4\]/,
    );
    const odd = { ids: stream.upload(new Uint32Array(5), [5]), source };
    expect(() => updateRows(stream, step, state, [odd])).toThrow(
      'scatter_adam: 5 ids [5] do not divide among the 3 rows of source',
    );
    const { v, ...without } = state;
    expect(() => updateRows(stream, step, without, [share])).toThrow('adam: the slot v is missing');
    expect(() => updateRows(stream, { rule: adam, step: 0 }, state, [share])).toThrow('steps are counted from 1');
    stream.release(v);
  });

  describe('in training', () => {
    const batches = new TrainingBatches(nextItem, dataset.train, { sequenceLength: 20, batchSize: 16, seed: 1 });
    const trainer = (options: Partial<TrainOptions>, state?: TrainerState) => {
      const config = resolveConfig(dataset.numItems, [{ ...OPTIONS, ...options }]);
      return new Trainer(gpu, config, state ?? { weights: initialParameters(config, { seed: 1 }), step: 0 });
    };
    async function run(of: Trainer, from: number, to: number) {
      for (let i = from; i < to; i++) await of.train(batches.batch(0, i));
      return of.state();
    }

    it.each([false, true])('takes the first step of dense Adam, reuse_item_embeddings %s', async (reuse) => {
      const lazy = await run(trainer({ table_updates: 'lazy', reuse_item_embeddings: reuse }), 0, 1);
      const dense = await run(trainer({ table_updates: 'dense', reuse_item_embeddings: reuse }), 0, 1);
      for (const [name, { data }] of lazy.weights) {
        const other = dense.weights.get(name)!.data;
        // A reused table sums its gradients in another order: scores' and inputs' pairs together.
        if (reuse && TABLES.includes(name)) {
          const m = [lazy, dense].map((state) => state.slots.m.get(name)!.data);
          const apart = Math.max(...m[0].map((value, i) => Math.abs(value - m[1][i])));
          expect(apart / Math.max(...m[1].map(Math.abs))).toBeLessThan(1e-6);
        } else expect(data, name).toEqual(other);
      }
    });

    it.each([false, true])('leaves rows that nothing touched as they were, reuse_item_embeddings %s', async (reuse) => {
      const of = trainer({ table_updates: 'lazy', reuse_item_embeddings: reuse, negs_per_pos: 1 });
      await run(of, 0, 2);
      const before = await of.state();
      const batch = batches.batch(0, 2);
      await of.train(batch);
      const after = await of.state();
      const name = TABLES[0];
      const D = 16;
      const moved = (row: number) =>
        [before, after]
          .map(({ weights }) =>
            weights
              .get(name)!
              .data.subarray(row * D, (row + 1) * D)
              .join(),
          )
          .join('|');
      const inputs = new Set(batch.ids);
      let untouched = 0;
      for (let row = 0; row < dataset.numItems + 2; row++) {
        const [a, b] = moved(row).split('|');
        if (inputs.has(row)) expect(a).not.toBe(b);
        else untouched += Number(a === b);
      }
      if (reuse) expect(untouched).toBeGreaterThan(0);
      else expect(untouched).toBe(dataset.numItems + 2 - inputs.size);
    });

    it.each([false, true])('resumes to the same bits, reuse_item_embeddings %s', async (reuse) => {
      const options = { table_updates: 'lazy', reuse_item_embeddings: reuse } as const;
      const whole = await run(trainer(options), 0, 5);
      const part = await run(trainer(options), 0, 3);
      const rest = await run(trainer(options, part), 3, 5);
      expect(rest).toEqual(whole);
    });

    it('moves parameters by the optimizer and its options that the configuration names', async () => {
      const [usual, forgetful] = [await run(trainer({}), 0, 1), await run(trainer({ adam_beta1: 0 }), 0, 1)];
      for (const [name, { data }] of forgetful.slots.m) {
        const m = usual.slots.m.get(name)!.data;
        const apart = Math.max(...data.map((value, i) => Math.abs(0.1 * value - m[i])));
        expect(apart, name).toBeLessThanOrEqual(1e-6 * Math.max(...m.map(Math.abs)));
      }
      expect(Object.keys((await run(trainer({ optimizer: 'sgd' }), 0, 1)).slots)).toEqual([]);
    });

    it('allocates nothing from the third step on', async () => {
      const of = trainer({ table_updates: 'lazy', reuse_item_embeddings: true });
      await of.prepare(batches.capacity);
      await run(of, 0, 2);
      const { created } = gpu;
      for (let i = 2; i < 6; i++) await of.train(batches.batch(0, i));
      expect(gpu.created).toEqual(created);
      of.release();
    });
  });

  it('is chosen by the size of the catalogue unless it is asked for', () => {
    expect(updatesLazily(resolveConfig(100_000, []))).toBe(false);
    expect(updatesLazily(resolveConfig(100_001, []))).toBe(true);
    expect(updatesLazily(resolveConfig(100_001, [{ table_updates: 'dense' }]))).toBe(false);
    expect(updatesLazily(resolveConfig(50, [{ table_updates: 'lazy' }]))).toBe(true);
  });

  it('says which table would fit where an adapter cannot bind one', () => {
    const { limit } = gpu.pool;
    const rows = Math.floor(limit / (4 * 64));
    const fits = { num_items: rows - 2, embedding_dim: 64, num_heads: 4 };
    expect(() => checkTables(gpu, fits)).not.toThrow();
    const refused = () => checkTables(gpu, { ...fits, num_items: rows - 1 });
    expect(refused).toThrow(OutOfMemoryError);
    expect(refused).toThrow(
      new RegExp(
        `^the table of ${rows - 1} items at embedding_dim 64 takes .* binds at most .*; use embedding_dim 60 at most, or ${rows - 2} items at most`,
      ),
    );
    expect(() => checkTables(gpu, { ...fits, num_items: limit })).toThrow(/; use \d+ items at most/);
  });
});

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
