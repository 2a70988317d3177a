import { DEFAULT_RESAMPLING } from '../data/bootstrap.js';
import {
  type BucketEstimates,
  bucketEstimates,
  comparePaired,
  type Estimate,
  estimate,
  type Paired,
  type UserValues,
} from '../data/evaluation.js';
import { gainsOf, mean, metricsAt } from '../data/metrics.js';
import { DEFAULT_MEASUREMENT } from '../infer/evaluation.js';
import type { Cases, Ranked } from './analysis.js';

/** The metrics of a report, the most telling first: a phone shows the first ones. */
export const REPORTED = ['ndcg@10', 'recall@10', 'recall@1', 'mrr'] as const;

export type ReportedMetric = (typeof REPORTED)[number];

export const METRIC_TITLES: Readonly<Record<ReportedMetric, string>> = {
  'ndcg@10': 'NDCG@10',
  'recall@1': 'Recall@1',
  'recall@10': 'Recall@10',
  mrr: 'MRR',
};

/** Each metric of the targets' ranks, with its 95 % bootstrap interval over users. */
export function estimateMetrics(ranked: Ranked): Record<ReportedMetric, Estimate> {
  return estimate(userValues(ranked), DEFAULT_RESAMPLING) as Record<ReportedMetric, Estimate>;
}

/** A metric's mean over all users. */
export function meanOf(metric: ReportedMetric, ranked: Ranked): number {
  return mean(userValues(ranked).get(metric)!);
}

/** How much better `a` is than `b` for the same users. */
export function compareMetrics(a: Ranked, b: Ranked): Record<ReportedMetric, Paired> {
  return comparePaired(userValues(a), userValues(b), DEFAULT_RESAMPLING) as Record<ReportedMetric, Paired>;
}

/** NDCG@10 of users in buckets, as `evaluate` makes them. @returns for each kind of bucket, those buckets */
export function estimateBuckets(ranked: Ranked, { lengths, popularities }: Cases): BucketEstimates[][] {
  const ndcg = new Map([['ndcg@10', userValues(ranked).get('ndcg@10')!]]);
  return [
    bucketEstimates('length', lengths, ndcg, DEFAULT_MEASUREMENT),
    bucketEstimates('popularity', popularities, ndcg, DEFAULT_MEASUREMENT),
  ];
}

const METRICS = new Map(metricsAt(['ndcg', 'recall', 'mrr'], [1, 10]).map((metric) => [metric.name, metric]));

/** A rank of 0 is a target that was not found. */
function userValues({ ranks }: Ranked): UserValues {
  const found = Float64Array.from(ranks, (rank) => rank || Infinity);
  return new Map(REPORTED.map((name) => [name, gainsOf(METRICS.get(name)!, found)]));
}
