import { HostRandom } from '../engine/philox.js';
import { mean } from './metrics.js';

export interface Resampling {
  /** How often the users are drawn anew. */
  readonly resamples: number;
  readonly seed: number;
}

export const DEFAULT_RESAMPLING: Resampling = { resamples: 2000, seed: 42 };

const BOOTSTRAP_STREAM = 1;
const RANDOMISATION_STREAM = 2;

/**
 * 95 % percentile bootstrap intervals of means over users (Efron and Tibshirani, 1993, chapter 13): users are drawn with replacement,
 * as many as there are, the same ones for every column, and the interval holds the middle 95 % of the resampled means.
 * @param columns each [users], at least one user
 * @returns [low, high] of each column
 */
export function bootstrapIntervals(columns: readonly Float64Array[], sampling: Resampling): [number, number][] {
  const users = columns[0]?.length ?? 0;
  const random = new HostRandom(sampling.seed, BOOTSTRAP_STREAM);
  const means = columns.map(() => new Float64Array(sampling.resamples));
  const drawn = new Uint32Array(users);
  for (let b = 0; b < sampling.resamples; b++) {
    for (let i = 0; i < users; i++) drawn[i] = random.integer(users);
    columns.forEach((column, c) => {
      let sum = 0;
      for (let i = 0; i < users; i++) sum += column[drawn[i]!]!;
      means[c]![b] = sum / users;
    });
  }
  return means.map((values) => {
    values.sort();
    return [quantile(values, 0.025), quantile(values, 0.975)];
  });
}

/**
 * Two-sided p-values of Fisher's randomisation test, paired by user (Smucker, Allan, Carterette, CIKM 2007): were two rankers alike,
 * each user's difference would have either sign with equal chance, so p is the share of random signs whose mean difference
 * is at least as large as the observed one, which counts as one of them. At least 1 / (resamples + 1).
 * @param differences each [users], one ranker's values less the other's
 */
export function randomisationTest(differences: readonly Float64Array[], sampling: Resampling): number[] {
  const users = differences[0]?.length ?? 0;
  const random = new HostRandom(sampling.seed, RANDOMISATION_STREAM);
  const observed = differences.map((column) => Math.abs(mean(column)));
  const asLarge = differences.map(() => 1);
  const signs = new Uint32Array(Math.ceil(users / 32));
  for (let b = 0; b < sampling.resamples; b++) {
    for (let i = 0; i < signs.length; i++) signs[i] = random.u32();
    differences.forEach((column, c) => {
      let sum = 0;
      for (let i = 0; i < users; i++) sum += (signs[i >>> 5]! >>> (i & 31)) & 1 ? column[i]! : -column[i]!;
      // Sums of the same numbers in another order differ by rounding; equal ones count.
      if (Math.abs(sum / users) >= observed[c]! * (1 - 1e-12)) asLarge[c]!++;
    });
  }
  return asLarge.map((count) => count / (sampling.resamples + 1));
}

/** Of sorted values, interpolated between neighbours. */
function quantile(sorted: Float64Array, share: number): number {
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  return sorted[below]! + (at - below) * (sorted[Math.min(below + 1, sorted.length - 1)]! - sorted[below]!);
}
