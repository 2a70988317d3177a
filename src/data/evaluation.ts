import { bootstrapIntervals, type Resampling, randomisationTest } from './bootstrap.js';
import { quantileBuckets } from './buckets.js';
import { countItems } from './counts.js';
import type { Dataset, Split } from './dataset.js';
import { coverageAt, popularityAt } from './exposure.js';
import { gainsOf, type Metric, type MetricName, mean, metricsAt } from './metrics.js';
import type { Ranking } from './rank.js';
import { sampledGains } from './sampled.js';

/** What to measure. */
export interface Measurement extends Resampling {
  readonly metrics: readonly MetricName[];
  /** K of every metric, of coverage and of mean popularity. */
  readonly cutoffs: readonly number[];
  /** Whether the items of the history were left out of the rankings. */
  readonly filterRated: boolean;
  /** How many items to draw for the sampled metrics, which are not computed without it. They mislead: see `SAMPLED_WARNING`. */
  readonly sampled?: number;
  /** The most buckets of users, by length and by popularity each. */
  readonly buckets: number;
}

/** A mean over users and the 95 % bootstrap interval around it. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** Estimates by name, such as `ndcg@10`. */
export type Estimates = Readonly<Record<string, Estimate>>;

/** What each user contributes to every mean: name, such as `ndcg@10`, to [users]. */
export type UserValues = ReadonlyMap<string, Float64Array>;

/** The metrics of some of the users. */
export interface BucketEstimates {
  /** The length of the history, or how often the target occurs in training. */
  readonly by: 'length' | 'popularity';
  readonly from: number;
  readonly to: number;
  readonly targets: number;
  readonly estimates: Estimates;
}

/** What was measured for a ranking of a split's users. */
export interface Evaluation {
  readonly ranking: Ranking;
  readonly values: UserValues;
  /** Every metric, and `popularity@K`: how often the items recommended occur in training, on average; the lower, the more novel. */
  readonly estimates: Estimates;
  /** `coverage@K`: the share of the catalogue that is recommended to at least one user. It is not a mean over users, so there is no interval. */
  readonly coverage: Readonly<Record<string, number>>;
  /** Expected metrics against drawn rivals. */
  readonly sampled?: Estimates;
  readonly buckets: readonly BucketEstimates[];
}

/** The difference of two rankers' means over the same users. */
export interface Paired {
  readonly difference: number;
  /** 95 % bootstrap interval of the difference. */
  readonly low: number;
  readonly high: number;
  /** From the randomisation test of no difference; not corrected for the number of metrics. */
  readonly p: number;
}

/**
 * Everything measured for a ranking of a split's users. Coverage and popularity are measured at the cutoffs for which the ranking has enough items of
 * each user.
 */
export function measure(ranking: Ranking, dataset: Dataset, split: Split, wanted: Measurement): Evaluation {
  const { sampled } = wanted;
  const counts = countItems(dataset);
  const listed = ranking.top.length / ranking.ranks.length;
  const metrics = metricsAt(wanted.metrics, wanted.cutoffs);
  const shown = wanted.cutoffs.filter((k) => Math.min(k, dataset.numItems) <= listed);
  const gains = new Map(metrics.map((metric) => [metric.name, gainsOf(metric, ranking.ranks)]));
  const popularity = shown.map((k) => [`popularity@${k}`, popularityAt(k, ranking, counts)] as const);
  const values = new Map([...gains, ...popularity]);
  const lengths = Array.from(split.targets, (_, user) => split.inputs.lengthOf(user));
  const popularities = Array.from(split.targets, (target) => counts[target]);
  return {
    ranking,
    values,
    estimates: estimate(values, wanted),
    coverage: Object.fromEntries(shown.map((k) => [`coverage@${k}`, coverageAt(k, ranking, dataset.numItems)])),
    ...(sampled !== undefined && {
      sampled: estimate(sampledValues(metrics, ranking, rivals(dataset, split, wanted.filterRated), sampled), wanted),
    }),
    buckets: [
      ...bucketEstimates('length', lengths, gains, wanted),
      ...bucketEstimates('popularity', popularities, gains, wanted),
    ],
  };
}

function sampledValues(
  metrics: readonly Metric[],
  { ranks }: Ranking,
  against: Float64Array,
  samples: number,
): UserValues {
  return new Map(metrics.map((metric) => [metric.name, sampledGains(metric, ranks, against, samples)]));
}

/** Means and their intervals. */
export function estimate(values: UserValues, sampling: Resampling): Estimates {
  const columns = [...values.values()];
  const intervals = bootstrapIntervals(columns, sampling);
  return Object.fromEntries(
    [...values.keys()].map((name, i) => {
      const [low, high] = intervals[i];
      return [name, { value: mean(columns[i]), low, high }];
    }),
  );
}

/** How much better the first ranker is than the second on the same users, in every metric that both have. */
export function comparePaired(first: UserValues, second: UserValues, sampling: Resampling): Record<string, Paired> {
  const names = [...first.keys()].filter((name) => second.has(name));
  const differences = names.map((name) => first.get(name)!.map((value, user) => value - second.get(name)![user]));
  const intervals = bootstrapIntervals(differences, sampling);
  const p = randomisationTest(differences, sampling);
  return Object.fromEntries(
    names.map((name, i) => {
      const [low, high] = intervals[i];
      return [name, { difference: mean(differences[i]), low, high, p: p[i] }];
    }),
  );
}

/**
 * The metrics of users in buckets of nearly equal size.
 * @param of [users] each user's value, by which they go into buckets
 */
export function bucketEstimates(
  by: BucketEstimates['by'],
  of: readonly number[],
  values: UserValues,
  wanted: Pick<Measurement, 'buckets'> & Resampling,
): BucketEstimates[] {
  return quantileBuckets(of, wanted.buckets).map(({ from, to, users }) => {
    const part = new Map([...values].map(([name, column]) => [name, Float64Array.from(users, (user) => column[user])]));
    const userOf = wanted.userOf && Array.from(users, (line) => wanted.userOf![line]);
    return { by, from, to, targets: users.length, estimates: estimate(part, { ...wanted, ...(userOf && { userOf }) }) };
  });
}

/** [users] how many items each target was ranked against. */
function rivals({ numItems }: Dataset, split: Split, filterRated: boolean): Float64Array {
  return Float64Array.from(split.targets, (_, user) => {
    return numItems - 1 - (filterRated ? new Set(split.inputs.at(user)).size : 0);
  });
}
