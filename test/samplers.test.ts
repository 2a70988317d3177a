import { describe, expect, it } from 'vitest';
import { InputError } from '../src/base/errors.js';
import { settingsOf } from '../src/base/options.js';
import { partsOf } from '../src/data/batches.js';
import { Sequences } from '../src/data/dataset.js';
import { nextItem } from '../src/data/tasks.js';
import { drawCandidates } from '../src/kernels/score/draw/index.js';
import { drawnCandidates, type ItemCounts, uploadHistories, uploadSource } from '../src/kernels/score/sampler.js';
import { aliasTable } from '../src/kernels/score/samplers/alias.js';
import { countsOf } from '../src/kernels/score/samplers/cases.js';
import { DRAWING } from '../src/kernels/score/samplers/index.js';
import { popularityOf } from '../src/kernels/score/samplers/popularity.js';
import { initialParameters } from '../src/model/parameters.js';
import { loadReplay, saveReplay } from '../src/store/replay.js';
import { resolveConfig } from '../src/train/config.js';
import { drawnFrom, planTraining, trainingBatches } from '../src/train/plan.js';
import { Trainer } from '../src/train/trainer.js';
import { gpu, stream } from './support/device.js';
import { scratchFolder } from './support/scratch.js';
import { dataset, MODEL, TRAINING } from './support/small.js';

const N = 101;
const DRAWS = { T: 1000, k: 1000 };

/** How often each item 1 … N is among a million draws of the GPU, and the probability that the sampler's log q says it has. */
async function drawn(
  name: string,
  counts: ItemCounts,
  options = {},
): Promise<{ times: Float64Array; q: Float64Array }> {
  const sampler = DRAWING[name];
  const settings = settingsOf(sampler, options);
  const source = uploadSource(stream, sampler, counts, settings);
  stream.random = { seed: 23, step: 5 };
  const ids = drawCandidates(stream, drawnCandidates(sampler, DRAWS.k, N, { settings, source }), DRAWS.T);
  const times = new Float64Array(N + 1);
  for (const id of await stream.read(ids)) times[id]++;
  stream.release(ids);
  if (source) stream.release(source);
  expect(times[0]).toBe(0);
  const words = sampler.source?.from === 'counts' ? sampler.source.words(counts, settings) : undefined;
  const q = Float64Array.from({ length: N }, (_, i) => Math.exp(sampler.logQOf(0, i + 1, N, words)));
  return { times: times.subarray(1), q };
}

/** Pearson's chi-square of a million draws, in standard deviations from its mean under `probabilities`. Items of probability 0 must not be drawn. */
function deviation(times: Float64Array, probabilities: Float64Array): number {
  const drawable = [...probabilities.keys()].filter((i) => probabilities[i] > 0);
  const total = drawable.reduce((sum, i) => sum + times[i], 0);
  expect(total).toBe(DRAWS.T * DRAWS.k);
  const chi2 = drawable.reduce((sum, i) => sum + (times[i] - total * probabilities[i]) ** 2 / probabilities[i], 0);
  const degrees = drawable.length - 1;
  return (chi2 / total - degrees) / Math.sqrt(2 * degrees);
}

describe('a million draws are distributed as they should be:', () => {
  it('uniform', async () => {
    const { times, q } = await drawn('uniform', countsOf(N));
    expect(Math.abs(deviation(times, q))).toBeLessThan(4);
    // A tenth too much of one item in a hundred would be found.
    const skewed = q.map((p, i) => (i === 3 ? 0.9 * p : p + (0.1 * p) / (N - 1)));
    expect(Math.abs(deviation(times, skewed))).toBeGreaterThan(4);
  });

  it.each([1, 0.75, 0, 2])('popularity to the power %s', async (popularity_exponent) => {
    const { times, q } = await drawn('popularity', countsOf(N), { popularity_exponent });
    const expected = popularityOf(countsOf(N), popularity_exponent);
    expect(Math.abs(deviation(times, expected))).toBeLessThan(4);
    const drawable = [...q.keys()].filter((i) => expected[i] > 0);
    for (const i of drawable) expect(q[i] / expected[i]).toBeCloseTo(1, 5);
    // An item that is never drawn has the log q of the rarest that is.
    const rarest = Math.min(...drawable.map((i) => q[i]));
    expect(Math.min(...q)).toBe(rarest);
    expect(expected.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 12);
  });

  it.each([0, 0.3, 1])('mixed, a share of %s by popularity', async (mixed_share) => {
    const { times } = await drawn('mixed', countsOf(N), { mixed_share });
    const expected = popularityOf(countsOf(N), 1).map((p) => mixed_share * p + (1 - mixed_share) / N);
    expect(Math.abs(deviation(times, expected))).toBeLessThan(4);
  });
});

describe('uniform-reject', () => {
  const { T, k } = DRAWS;
  const quarter = (T: number) =>
    Uint32Array.from({ length: 2 * T }, (_, i) => (Math.floor(i / (T / 2)) + (i % 2)) * (T / 4));
  const histories = [
    Uint32Array.of(), // nothing is the user's own
    Uint32Array.of(1, 2, 3, 50, 50, N, N - 1),
    Uint32Array.from({ length: N - 1 }, (_, i) => (i < 40 ? N - i : i - 39)), // one item is left
    Uint32Array.from({ length: 50 }, (_, i) => 2 * i + 1),
  ];

  it("draws all items that are not the user's own alike, and of those none in a million", async () => {
    const sampler = DRAWING['uniform-reject'];
    const source = uploadHistories(stream, sampler, { spans: quarter(T), histories }, N);
    stream.random = { seed: 29, step: 6 };
    const tensor = drawCandidates(stream, drawnCandidates(sampler, k, N, { source }), T);
    const ids = (await stream.read(tensor)) as Uint32Array;
    stream.release(tensor);
    stream.release(source!);
    histories.forEach((own, row) => {
      const times = new Float64Array(N + 1);
      for (const id of ids.subarray((row * T * k) / 4, ((row + 1) * T * k) / 4)) times[id]++;
      const left = [...times.keys()].filter((item) => item > 0 && !own.includes(item));
      const total = left.reduce((sum, item) => sum + times[item], 0);
      expect(total).toBe((T * k) / 4);
      const chi2 =
        left.reduce((sum, item) => sum + (times[item] - total / left.length) ** 2, 0) * (left.length / total);
      const degrees = left.length - 1;
      expect(Math.abs(chi2 - degrees)).toBeLessThanOrEqual(4 * Math.sqrt(2 * degrees));
    });
  });

  it('is refused where a user has every item, by the run before it begins and by a step', async () => {
    const [every, few] = [Uint32Array.of(2, 3, 1, 2), Uint32Array.of(1, 2)];
    const split = { inputs: Sequences.from([]), targets: Uint32Array.of() };
    const small = { name: 'small', numItems: 3, train: Sequences.from([few, every]), val: split, test: split };
    const options = { ...MODEL, negatives: 'uniform-reject' };
    await expect(planTraining({ dataset: small, options })).rejects.toThrow(
      new InputError(
        'small: training sequence 2 has all 3 items, so that the negatives uniform-reject have none left to draw; leave that sequence out, or set negatives to uniform',
      ),
    );
    const config = resolveConfig(3, [options]);
    const trainer = new Trainer(gpu, config, { weights: initialParameters(config, { seed: 1 }), step: 0 });
    const batch = nextItem.training(small.train, Uint32Array.of(0, 1), 9, { seed: 1, epoch: 0 });
    await expect(trainer.train(batch)).rejects.toThrow(
      new InputError(
        'row 1 is of a user who has all 3 items, so that uniform-reject has none left to draw; set negatives to uniform',
      ),
    );
    await expect(trainer.train({ ...batch, histories: [few, few, few] })).rejects.toThrow(/3 histories for 2 rows/);
    expect(await trainer.train({ ...batch, histories: [few, few] })).toBeGreaterThan(0);
    trainer.release();
  });

  it('leaves out what a user did before the window too', () => {
    const batches = trainingBatches(
      dataset,
      resolveConfig(dataset.numItems, [{ ...TRAINING, negatives: 'uniform-reject' }]),
    );
    const batch = batches.batch(0, 1);
    expect(batch.histories!.length).toBe(batch.rows);
    expect(batch.histories!.some((history) => history.length > MODEL.sequence_length + 1)).toBe(true);
    const parts = partsOf(batch, 5);
    expect(parts.flatMap(({ histories }) => histories)).toEqual(batch.histories);
    for (const { rows, histories } of parts) expect(histories!.length).toBe(rows);
  });
});

describe('a step that is kept for replay', () => {
  const at = scratchFolder('each test');

  it('has what its negatives are drawn from', () => {
    for (const negatives of ['popularity', 'uniform-reject']) {
      const config = resolveConfig(dataset.numItems, [{ ...TRAINING, negatives }]);
      const { batches, counts } = drawnFrom(dataset, config);
      const batch = batches.batch(0, 0);
      expect([counts !== undefined, batch.histories !== undefined]).toEqual([
        negatives === 'popularity',
        negatives === 'uniform-reject',
      ]);
      const step = {
        config,
        step: 3,
        weights: initialParameters(config, { seed: 1 }),
        batch,
        ...(counts && { counts }),
      };
      const file = at(`${negatives}.safetensors`);
      saveReplay(file, step);
      expect(loadReplay(file)).toEqual(step);
    }
  });
});

it('an alias table has the probabilities that it was made from', () => {
  for (const weights of [[1], [0, 3], [1, 1, 1], [5, 0, 1e-9, 2, 1e6], Array.from(countsOf(997).subarray(1))]) {
    const { thresholds, aliases } = aliasTable(Float64Array.from(weights));
    const made = new Float64Array(weights.length);
    thresholds.forEach((threshold, column) => {
      const kept = threshold / 2 ** 32;
      made[column] += kept / weights.length;
      made[aliases[column]] += (1 - kept) / weights.length;
    });
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    weights.forEach((weight, i) => {
      expect(Math.abs(made[i] - weight / total)).toBeLessThan(1e-9);
    });
  }
});

describe('counts of training targets', () => {
  const config = resolveConfig(dataset.numItems, [{ ...MODEL, negatives: 'popularity' }]);

  it('count every target that a sequence has within the window, and are made only where they are needed', () => {
    const { batches, counts } = drawnFrom(dataset, config);
    const expected = new Float64Array(dataset.numItems + 1);
    for (let user = 0; user < dataset.train.count; user++) {
      for (const item of dataset.train.at(user).slice(1).slice(-MODEL.sequence_length)) expected[item]++;
    }
    expect(counts).toEqual(expected);
    const all = Array.from({ length: batches.perEpoch }, (_, i) => batches.batch(0, i).targets.length);
    expect(counts!.reduce((sum, count) => sum + count, 0)).toBe(all.reduce((sum, count) => sum + count, 0));
    expect(drawnFrom(dataset, resolveConfig(dataset.numItems, [MODEL])).counts).toBeUndefined();
  });

  it('must be there for negatives that are drawn by them', () => {
    const start = { weights: initialParameters(config, { seed: 1 }), step: 0 };
    for (const counts of [undefined, new Float64Array(dataset.numItems + 1)]) {
      expect(() => new Trainer(gpu, config, start, { counts })).toThrow(
        new InputError(
          'the negatives popularity are drawn by how often items are training targets, and there are no such counts; give training sequences of two items or more, or set negatives to uniform',
        ),
      );
    }
  });
});
