import { InputError } from '../base/errors.js';
import { unknownName } from '../base/options.js';
import { DEFAULT_RESAMPLING } from '../data/bootstrap.js';
import type { Dataset } from '../data/dataset.js';
import { type Evaluation, type Measurement, measure } from '../data/evaluation.js';
import { MOST_TOP_K } from '../kernels/score/top_k/index.js';
import type { RankOptions, Recommender } from './recommender.js';

/** What `evaluate` measures, and how. Defaults are in DEFAULT_MEASUREMENT. @interface */
export type EvaluationOptions = Partial<Measurement> & Pick<RankOptions, 'signal' | 'onProgress'>;

const SPLITS: readonly string[] = ['val', 'test'];

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
 * @throws InputError for data of another catalogue, an unknown split and an empty one; whatever the signal was aborted with
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
  const ranking = await recommender.rank(dataset[split], { ...wanted, top: longestList(wanted, dataset) });
  return measure(ranking, dataset, dataset[split], wanted);
}

/** How many items per user coverage and popularity need. */
function longestList({ cutoffs }: Measurement, { numItems }: Dataset): number {
  return Math.min(numItems, Math.max(0, ...cutoffs.filter((cutoff) => cutoff <= MOST_TOP_K)));
}
