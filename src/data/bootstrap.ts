import { HostRandom } from '../base/philox.js';

/** How intervals and p-values are drawn. */
export interface Resampling {
  /** How often users are drawn. */
  readonly resamples: number;
  readonly seed: number;
  /** [lines] the user of each line of a split, if some users have several lines, which are then drawn together. By default each line is a user. */
  readonly userOf?: ArrayLike<unknown>;
}

/** 2,000 resamples from seed 42. */
export const DEFAULT_RESAMPLING: Resampling = { resamples: 2000, seed: 42 };

const BOOTSTRAP_STREAM = 1;
const RANDOMISATION_STREAM = 2;

/**
 * 95 % percentile bootstrap intervals of means over users (Efron and Tibshirani, 1993, chapter 13): users are drawn with replacement,
 * as many as there are, the same ones for every column, and the interval holds the middle 95 % of the resampled means.
 * @param columns each [lines], at least one line
 * @returns [low, high] of each column
 */
export function bootstrapIntervals(columns: readonly Float64Array[], sampling: Resampling): [number, number][] {
  const draw = quickRandom(sampling.seed, BOOTSTRAP_STREAM);
  const ones = new Float64Array(columns[0]?.length ?? 0).fill(1);
  const sums = sumsByUser([...columns, ones], sampling.userOf);
  const means = columns.map(() => new Float64Array(sampling.resamples));
  const drawUsers = (times: Float64Array) => {
    times.fill(0);
    for (let i = 0; i < times.length; i++) times[Math.floor((draw() / 2 ** 32) * times.length)]++;
  };
  eachResample(sums, sampling, drawUsers, (b, totals) => {
    const lines = totals[columns.length];
    means.forEach((values, c) => {
      values[b] = totals[c] / lines;
    });
  });
  return means.map((values) => {
    values.sort();
    return [quantile(values, 0.025), quantile(values, 0.975)];
  });
}

/**
 * Two-sided p-values of Fisher's randomisation test, paired by user (Smucker, Allan, Carterette, CIKM 2007). If two rankers were equally good, each
 * user's difference would have either sign with equal chance. So p is the share of random signs whose mean difference is at least as large as the
 * observed one, which counts as one of them; it is at least 1 / (resamples + 1).
 * @param differences each [lines], one ranker's values minus the other's
 */
export function randomisationTest(differences: readonly Float64Array[], sampling: Resampling): number[] {
  const draw = quickRandom(sampling.seed, RANDOMISATION_STREAM);
  const sums = sumsByUser(differences, sampling.userOf);
  const observed = sums.map((column) => Math.abs(column.reduce((sum, value) => sum + value, 0)));
  const asLarge = differences.map(() => 1);
  const drawSigns = (signs: Float64Array) => {
    let bits = 0;
    for (let i = 0; i < signs.length; i++, bits >>>= 1) {
      if (i % 32 === 0) bits = draw();
      signs[i] = 1 - 2 * (bits & 1);
    }
  };
  eachResample(sums, sampling, drawSigns, (_, totals) => {
    totals.forEach((total, c) => {
      // Equal sums count, but may differ by rounding.
      if (Math.abs(total) >= observed[c] * (1 - 1e-12)) asLarge[c]++;
    });
  });
  return asLarge.map((count) => count / (sampling.resamples + 1));
}

/** Columns [lines] added up to columns [users]. */
function sumsByUser(columns: readonly Float64Array[], userOf: Resampling['userOf']): readonly Float64Array[] {
  if (userOf === undefined) return columns;
  const numbers = new Map<unknown, number>();
  const users = Array.from(userOf, (user) => {
    if (!numbers.has(user)) numbers.set(user, numbers.size);
    return numbers.get(user)!;
  });
  return columns.map((column) => {
    const sums = new Float64Array(numbers.size);
    column.forEach((value, line) => {
      sums[users[line]] += value;
    });
    return sums;
  });
}

/** Draws new weights of the users, the same for all columns, and visits every column's weighted sum. */
function eachResample(
  columns: readonly Float64Array[],
  { resamples }: Resampling,
  weigh: (weights: Float64Array) => void,
  visit: (resample: number, totals: Float64Array) => void,
): void {
  const weights = new Float64Array(columns[0]?.length ?? 0);
  const totals = new Float64Array(columns.length);
  for (let b = 0; b < resamples; b++) {
    weigh(weights);
    columns.forEach((column, c) => {
      let sum = 0;
      for (let i = 0; i < weights.length; i++) sum += weights[i] * column[i];
      totals[c] = sum;
    });
    visit(b, totals);
  }
}

/** A quantile of ascending values, by linear interpolation between order statistics (Hyndman and Fan, 1996, definition 7). @param share 0 … 1 */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  return sorted[below] + (at - below) * (sorted[Math.ceil(at)] - sorted[below]);
}

/**
 * Uniform 32-bit words by sfc32 (Doty-Humphrey, PractRand), seeded by Philox. Users are drawn by the hundred million, and Philox itself would take
 * most of an evaluation's time.
 */
function quickRandom(seed: number, stream: number): () => number {
  const random = new HostRandom(seed, stream);
  let [a, b, c, counter] = [random.u32() | 0, random.u32() | 0, random.u32() | 0, 1];
  return () => {
    const word = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + word) | 0;
    return word >>> 0;
  };
}
