import type { Ranking } from './rank.js';

/** Coverage of the catalogue: the share of its items that are among the first K of any user. */
export function coverageAt(k: number, { ranks, top }: Ranking, numItems: number): number {
  const listed = top.length / ranks.length;
  const shown = new Set<number>();
  for (let i = 0; i < top.length; i++) if (i % listed < k && top[i] > 0) shown.add(top[i]);
  return shown.size / numItems;
}

/**
 * The mean popularity of the first K items recommended to each user: the lower, the more novel. A user for whom no item is left counts as 0.
 * @param counts [N+1] how popular each item is, such as its occurrences in training
 * @returns [users]
 */
export function popularityAt(k: number, { ranks, top }: Ranking, counts: Float64Array): Float64Array {
  const listed = top.length / ranks.length;
  return Float64Array.from(ranks, (_, user) => {
    const items = top.subarray(user * listed, user * listed + Math.min(k, listed)).filter((item) => item > 0);
    return items.reduce((sum, item) => sum + counts[item], 0) / Math.max(1, items.length);
  });
}
