import type { Split } from '../data/dataset.js';
import { type Metrics, metricsOf } from '../data/metrics.js';
import type { Recommender } from '../infer/recommender.js';
import { alignColumns } from './output.js';

/** A row of a table of metrics. */
export type MetricRow = Metrics & { name: string };

/** The metrics of a recommender on a split. */
export async function metricRow(recommender: Recommender, split: Split, filterRated: boolean): Promise<MetricRow> {
  const { ranks } = await recommender.rank(split, { filterRated });
  return { name: recommender.name, ...metricsOf(ranks) };
}

export function formatMetric(value: number): string {
  return value.toFixed(4);
}

/** Names and metrics in aligned columns. */
export function metricTable(rows: readonly MetricRow[]): string {
  const columns = ['ndcg@10', 'recall@1', 'recall@10', 'mrr'] as const;
  const cells = rows.map((row) => [row.name, ...columns.map((column) => formatMetric(row[column]))]);
  return alignColumns([['', ...columns], ...cells]);
}
