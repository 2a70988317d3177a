import { describe, expect, it } from 'vitest';
import { InputError } from '../src/base/errors.js';
import { settingsOf } from '../src/base/options.js';
import { drawCandidates } from '../src/kernels/score/draw/index.js';
import { drawnCandidates, type ItemCounts, uploadSource } from '../src/kernels/score/sampler.js';
import { aliasTable } from '../src/kernels/score/samplers/alias.js';
import { countsOf } from '../src/kernels/score/samplers/cases.js';
import { DRAWING } from '../src/kernels/score/samplers/index.js';
import { popularityOf } from '../src/kernels/score/samplers/popularity.js';
import { initialParameters } from '../src/model/parameters.js';
import { resolveConfig } from '../src/train/config.js';
import { drawnFrom } from '../src/train/plan.js';
import { Trainer } from '../src/train/trainer.js';
import { gpu, stream } from './support/device.js';
import { dataset, MODEL } from './support/small.js';

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
  const words = sampler.source?.words(counts, settings);
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
