/**
 * Ranking metrics over users with one target each, from the targets' ranks: 1 is best, Infinity is not found.
 * The ideal DCG of one target is 1, so NDCG@K of a user is 1 / log2(rank + 1) within the first K, else 0.
 */
export function ndcgAt(k: number, ranks: ArrayLike<number>): number {
  return mean(ranks, (rank) => (rank <= k ? 1 / Math.log2(rank + 1) : 0));
}

/** Share of users whose target is among the first K. */
export function recallAt(k: number, ranks: ArrayLike<number>): number {
  return mean(ranks, (rank) => (rank <= k ? 1 : 0));
}

/** Mean reciprocal rank over the whole catalogue. */
export function mrr(ranks: ArrayLike<number>): number {
  return mean(ranks, (rank) => 1 / rank);
}

function mean(ranks: ArrayLike<number>, gain: (rank: number) => number): number {
  let sum = 0;
  for (let i = 0; i < ranks.length; i++) sum += gain(ranks[i]!);
  return sum / ranks.length;
}
