import { countItems } from './counts.js';
import type { Dataset } from './dataset.js';
import { type DatasetStats, partStats, type Ties } from './stats.js';

/** A dataset in numbers: the sizes of its parts, how long sequences are, and how unevenly its items occur. */
export interface DatasetProfile extends Pick<DatasetStats, 'train' | 'val' | 'test'> {
  /** Left out if the log had no times. */
  readonly ties?: Ties;
  /** Training sequences by their lengths. */
  readonly lengths: readonly Bin[];
  /** A Lorenz curve of the training interactions, the most popular items first. */
  readonly popularity: readonly Share[];
}

/** How many values lie in a range, both ends included. */
export interface Bin {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** A share of the catalogue, and the share of the interactions that it has. */
export interface Share {
  readonly items: number;
  readonly interactions: number;
}

/** @param ties as counted by the import; null if the log had no times */
export function profileDataset(dataset: Dataset, ties: Ties | null): DatasetProfile {
  const { train } = dataset;
  return {
    ...partStats(dataset),
    ...(ties && { ties }),
    lengths: doublingBins(Array.from({ length: train.count }, (_, line) => train.lengthOf(line))),
    popularity: concentration(countItems(dataset).subarray(1)),
  };
}

/** Whole numbers in bins whose ends double: 1, 2 to 3, 4 to 7, … from the first to the last that is not empty. Zeros are left out. */
export function doublingBins(values: readonly number[]): Bin[] {
  const bins: { from: number; to: number; count: number }[] = [];
  for (const value of values) {
    if (value < 1) continue;
    const place = Math.floor(Math.log2(value));
    while (bins.length <= place) bins.push({ from: 2 ** bins.length, to: 2 ** (bins.length + 1) - 1, count: 0 });
    bins[place].count++;
  }
  return bins.slice(
    Math.max(
      0,
      bins.findIndex(({ count }) => count > 0),
    ),
  );
}

/** Points between one item and all of them, enough for a smooth curve. */
const POINTS = 40;

/** The share of the sum that the largest values make up, from one of them to all. @param counts at least one */
export function concentration(counts: Float64Array): Share[] {
  const sorted = counts.slice().sort().reverse();
  const sums: number[] = [];
  sorted.reduce((sum, count, i) => {
    sums[i] = sum + count;
    return sums[i];
  }, 0);
  const whole = sums[sums.length - 1] || 1;
  const items = new Set(Array.from({ length: POINTS + 1 }, (_, i) => Math.round(sums.length ** (i / POINTS))));
  return Array.from(items, (n) => ({ items: n / sums.length, interactions: sums[n - 1] / whole }));
}
