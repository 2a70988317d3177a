import { InputError } from '../base/errors.js';
import { type Dataset, summarizeDataset } from '../data/dataset.js';
import { ndcgAt, recallAt } from '../data/metrics.js';
import { METRIC_TITLES } from '../report/intervals.js';
import { isRun, type RunDataset, type RunRecord, readRun } from '../report/run.js';
import { runFolderOf } from '../store/source.js';

/** Where a served model comes from, and how good it is. */
export interface ModelCard {
  /** The name of its run; left out for a baseline. */
  readonly run?: string;
  /** What it was trained on or counts, if that is known. */
  readonly data?: RunDataset;
  /** Left out if these weights were never measured. */
  readonly quality?: Quality;
}

/** Metrics of one set of weights. */
export interface Quality {
  readonly split: 'validation' | 'test';
  readonly metrics: readonly {
    /** As reports show it, such as NDCG@10. */
    readonly name: string;
    readonly value: number;
    /** The same of baselines, where a report has measured them. */
    readonly compared: readonly { readonly name: string; readonly value: number }[];
  }[];
}

const SHOWN = { 'ndcg@10': ndcgAt, 'recall@10': recallAt };

/**
 * What the files of a run say about a checkpoint of it; undefined for a checkpoint outside a run.
 * @param run its folder, or a checkpoint in it
 * @param step of the weights
 */
export function cardOf(run: string, step: number): ModelCard | undefined {
  const folder = runFolderOf(run);
  if (!isRun(folder)) return undefined;
  try {
    const record = readRun(folder);
    const quality = testOf(record, step) ?? validationOf(record, step);
    return { run: record.name, ...(record.dataset && { data: record.dataset }), ...(quality && { quality }) };
  } catch (error) {
    if (error instanceof InputError) return undefined; // damaged notes do not keep a model from answering
    throw error;
  }
}

/** What a dataset says about a baseline that counts it. */
export function cardOfData(dataset: Dataset): ModelCard {
  return { data: { name: dataset.name, ...summarizeDataset(dataset) } };
}

/** From the analysis behind the run's report. */
function testOf({ analysis }: RunRecord, step: number): Quality | undefined {
  if (analysis?.step !== step) return undefined;
  const [own, ...others] = analysis.rankings.map(({ name, ranks }) => ({
    name,
    ranks: ranks.map((rank) => rank || Infinity), // 0 is a target that was not found
  }));
  const metrics = Object.entries(SHOWN).map(([metric, at]) => ({
    name: METRIC_TITLES[metric as keyof typeof SHOWN],
    value: at(10, own.ranks),
    compared: others.map(({ name, ranks }) => ({ name, value: at(10, ranks) })),
  }));
  return { split: 'test', metrics };
}

/** From the validation that followed the step. */
function validationOf({ validations }: RunRecord, step: number): Quality | undefined {
  const measured = validations.findLast((one) => one.step === step);
  if (measured?.['ndcg@10'] === undefined) return undefined;
  const metrics = Object.keys(SHOWN).map((metric) => ({
    name: METRIC_TITLES[metric as keyof typeof SHOWN],
    value: measured[metric as keyof typeof SHOWN]!,
    compared: [],
  }));
  return { split: 'validation', metrics };
}
