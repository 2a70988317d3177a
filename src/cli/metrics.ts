import type { Split } from '../data/dataset.js';
import { rankTargets } from '../data/rank.js';
import type { Gpu } from '../engine/gpu.js';
import { evaluateSplit, type Metrics, metricsOf } from '../infer/ranking.js';
import { Model } from '../model/model.js';
import { baselinesOf, type Source } from '../store/source.js';
import type { Checkpoint } from '../train/checkpoint.js';
import { alignColumns } from './output.js';

/** A line of a table of metrics. */
export type MetricRow = Metrics & { name: string };

/** The metrics of a checkpoint's model on a split. */
export async function evaluateCheckpoint(gpu: Gpu, { config, weights }: Checkpoint, split: Split): Promise<Metrics> {
  const model = Model.on(gpu, { config, weights });
  try {
    return await evaluateSplit(model, split, { batchSize: config.eval_batch_size, filterRated: config.filter_rated });
  } finally {
    model.release();
  }
}

/** The metrics of what a model is to be compared with, by the same evaluation: the oracle's last, where there is one. */
export function baselineRows(source: Source, split: 'val' | 'test', filterRated: boolean): MetricRow[] {
  return baselinesOf(source).map(({ name, scorer }) => ({
    name,
    ...metricsOf(rankTargets(source.dataset[split], scorer, filterRated)),
  }));
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
