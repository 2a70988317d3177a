/**
 * Ranking metrics over users with one target each, from the targets' ranks: 1 is best, Infinity is not found.
 * The ideal DCG of one target is 1, so a user's NDCG@K is 1 / log2(rank + 1) within the first K, else 0. With one target per user, Recall@K is the hit
 * rate, and average precision is the reciprocal rank, so MAP@K is MRR@K.
 */
const GAINS = {
  ndcg: (rank: number) => 1 / Math.log2(rank + 1),
  recall: () => 1,
  hitrate: () => 1,
  mrr: (rank: number) => 1 / rank,
  map: (rank: number) => 1 / rank,
} as const satisfies Record<string, (rank: number) => number>;

/** A metric's name without its cutoff. @useDeclaredType */
export type MetricName = keyof typeof GAINS;

/** All of them. */
export const METRIC_NAMES = Object.keys(GAINS) as MetricName[];

/** A metric: what a target's rank is worth. */
export interface Metric {
  /** Such as `ndcg@10`; without a cutoff, `mrr`. */
  readonly name: string;
  /** K: a target ranked lower is worth nothing. Infinity for the whole catalogue. */
  readonly cutoff: number;
  /** Its worth at a rank from 1 to `cutoff`. */
  readonly gain: (rank: number) => number;
}

/** Every metric at every cutoff, MRR and MAP over the whole catalogue too. */
export function metricsAt(names: readonly MetricName[], cutoffs: readonly number[]): Metric[] {
  return names.flatMap((name) => {
    const gain = GAINS[name];
    const cut = cutoffs.map((cutoff) => ({ name: `${name}@${cutoff}`, cutoff, gain }));
    return name === 'mrr' || name === 'map' ? [...cut, { name, cutoff: Infinity, gain }] : cut;
  });
}

/** What each user contributes to a metric's mean. @returns [users] */
export function gainsOf({ cutoff, gain }: Omit<Metric, 'name'>, ranks: ArrayLike<number>): Float64Array {
  return Float64Array.from(ranks, (rank) => (rank <= cutoff ? gain(rank) : 0));
}

export function ndcgAt(k: number, ranks: ArrayLike<number>): number {
  return mean(gainsOf({ cutoff: k, gain: GAINS.ndcg }, ranks));
}

/** Share of users whose target is among the first K. */
export function recallAt(k: number, ranks: ArrayLike<number>): number {
  return mean(gainsOf({ cutoff: k, gain: GAINS.recall }, ranks));
}

/** Mean reciprocal rank over the whole catalogue. */
export function mrr(ranks: ArrayLike<number>): number {
  return mean(gainsOf({ cutoff: Infinity, gain: GAINS.mrr }, ranks));
}

/** What a validation measures over the whole catalogue, one target a user. */
export type Metrics = Record<'ndcg@10' | 'recall@1' | 'recall@10' | 'mrr', number>;

export function metricsOf(ranks: ArrayLike<number>): Metrics {
  return {
    'ndcg@10': ndcgAt(10, ranks),
    'recall@1': recallAt(1, ranks),
    'recall@10': recallAt(10, ranks),
    mrr: mrr(ranks),
  };
}

/** The mean of at least one value. */
export function mean(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}
