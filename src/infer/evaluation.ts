import { InputError } from '../base/errors.js';
import { unknownName } from '../base/options.js';
import { quoted } from '../base/printable.js';
import { DEFAULT_RESAMPLING } from '../data/bootstrap.js';
import type { Dataset } from '../data/dataset.js';
import { type Evaluation, type Measurement, measure } from '../data/evaluation.js';
import { METRIC_NAMES } from '../data/metrics.js';
import { MOST_TOP_K } from '../kernels/score/top_k/index.js';
import type { RankOptions, Recommender } from './recommender.js';

/** What `evaluate` measures, and how. Defaults are in DEFAULT_MEASUREMENT. @interface */
export type EvaluationOptions = Partial<Measurement> & Pick<RankOptions, 'signal' | 'onProgress'>;

const SPLITS: readonly string[] = ['val', 'test'];
const OTHER_OPTIONS: readonly string[] = ['sampled', 'userOf', 'signal', 'onProgress'];

/** NDCG, recall and MRR at 1 and 10, without seen items, four buckets of users by length and by popularity. */
export const DEFAULT_MEASUREMENT: Measurement = {
  ...DEFAULT_RESAMPLING,
  metrics: ['ndcg', 'recall', 'mrr'],
  cutoffs: [1, 10],
  filterRated: true,
  buckets: 4,
};

/**
 * Metrics at any cutoffs with bootstrap intervals, coverage, popularity and buckets of users, from one ranking of the split. Coverage and popularity
 * are measured up to K = 512.
 * @throws InputError for data of another catalogue, an unknown split or option and an empty split; whatever the signal was aborted with
 */
export async function evaluate(
  recommender: Recommender,
  dataset: Dataset,
  split: 'val' | 'test',
  options: EvaluationOptions = {},
): Promise<Evaluation> {
  if (!SPLITS.includes(split)) throw unknownName('split', String(split), SPLITS);
  const { name, numItems } = recommender;
  if (numItems !== dataset.numItems) {
    throw new InputError(
      `${name} knows ${numItems} items, but ${dataset.name} has ${dataset.numItems}; evaluate it on its own data`,
    );
  }
  if (dataset[split].targets.length === 0)
    throw new InputError(`the ${split} split of ${dataset.name} is empty: there is nobody to evaluate on`);
  const wanted = { ...DEFAULT_MEASUREMENT, ...options };
  checkMeasurement(wanted);
  const ranking = await recommender.rank(dataset[split], { ...wanted, top: longestList(wanted, dataset) });
  return measure(ranking, dataset, dataset[split], wanted);
}

/** @throws InputError naming the option, for what plain JavaScript may pass */
function checkMeasurement({ metrics, cutoffs, ...others }: Measurement): void {
  const known = [...Object.keys(DEFAULT_MEASUREMENT), ...OTHER_OPTIONS];
  const stray = Object.keys(others).find((key) => !known.includes(key));
  if (stray !== undefined) throw unknownName('option of an evaluation', stray, known);
  const unknown = metrics.find((name) => !METRIC_NAMES.includes(name));
  if (unknown !== undefined) throw unknownName('metric', String(unknown), METRIC_NAMES);
  const bad = cutoffs.find((cutoff) => !Number.isInteger(cutoff) || cutoff < 1);
  if (bad !== undefined) throw new InputError(`cutoffs has ${quoted(bad)}; it must hold whole numbers from 1`);
}

/** How many items per user coverage and popularity need. */
function longestList({ cutoffs }: Measurement, { numItems }: Dataset): number {
  return Math.min(numItems, Math.max(0, ...cutoffs.filter((cutoff) => cutoff <= MOST_TOP_K)));
}
