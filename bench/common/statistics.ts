import { quantile as quantileOfSorted } from '../../src/data/bootstrap.js';

/** The middle of repeated measurements and their spread, in the unit they came in. */
export interface Summary {
  median: number;
  p10: number;
  p90: number;
}

/** The ratio of p90 to p10 above which a measurement cannot be trusted. */
const WIDE = 1.4;

export function quantile(values: readonly number[], share: number): number {
  return quantileOfSorted(Float64Array.from(values).sort(), share);
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function summarise(values: readonly number[]): Summary {
  return { median: median(values), p10: quantile(values, 0.1), p90: quantile(values, 0.9) };
}

/** Whether the repetitions vary so much that another process must have interfered. */
export function isWide({ p10, p90 }: Summary): boolean {
  return p90 > WIDE * p10;
}
