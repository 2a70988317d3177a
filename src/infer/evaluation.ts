import { InputError } from '../base/errors.js';
import { DEFAULT_RESAMPLING } from '../data/bootstrap.js';
import type { Dataset } from '../data/dataset.js';
import { type Evaluation, type Measurement, measure } from '../data/evaluation.js';
import { rankByScores, type Scorer } from '../data/rank.js';
import { MOST_TOP_K } from '../kernels/score/top_k/index.js';
import type { Model } from '../model/model.js';
import { type EvaluateOptions, rankUsers } from './ranking.js';

/** What `evaluate` measures, and how; what is left out is as in DEFAULT_MEASUREMENT, with 512 users a batch. @interface */
export type EvaluationOptions = Partial<Omit<EvaluateOptions, 'filterRated'> & Measurement>;

/** NDCG, recall and MRR at 1 and 10, seen items left out, four buckets of users each way. */
export const DEFAULT_MEASUREMENT: Measurement = {
  ...DEFAULT_RESAMPLING,
  metrics: ['ndcg', 'recall', 'mrr'],
  cutoffs: [1, 10],
  filterRated: true,
  buckets: 4,
};

/** Users a batch, the official eval_batch_size. */
const DEFAULT_BATCH = 512;

/**
 * Metrics at any cutoffs with their bootstrap intervals, coverage, popularity and buckets of users, by one forward pass of the model.
 * Coverage and popularity reach to K = 512.
 * @throws InputError for data of another catalogue; whatever the signal was aborted with
 */
export async function evaluate(
  model: Model,
  dataset: Dataset,
  split: 'val' | 'test',
  options: EvaluationOptions = {},
): Promise<Evaluation> {
  const { num_items } = model.config;
  if (num_items !== dataset.numItems) {
    throw new InputError(
      `the model knows ${num_items} items, but ${dataset.name} has ${dataset.numItems}; evaluate it on its own data`,
    );
  }
  const wanted = { ...DEFAULT_MEASUREMENT, batchSize: DEFAULT_BATCH, ...options };
  const ranking = await rankUsers(model, dataset[split], { ...wanted, top: longestList(wanted, dataset) });
  return measure(ranking, dataset, dataset[split], wanted);
}

/** The same of what scores on the host, such as `popularityScores`: a baseline. */
export function evaluateScorer(
  scorer: Scorer,
  dataset: Dataset,
  split: 'val' | 'test',
  options: Partial<Measurement> = {},
): Evaluation {
  const wanted = { ...DEFAULT_MEASUREMENT, ...options };
  const ranking = rankByScores(dataset[split], scorer, wanted.filterRated, longestList(wanted, dataset));
  return measure(ranking, dataset, dataset[split], wanted);
}

/** How many items of each user coverage and popularity need. */
function longestList({ cutoffs }: Measurement, { numItems }: Dataset): number {
  return Math.min(numItems, Math.max(0, ...cutoffs.filter((cutoff) => cutoff <= MOST_TOP_K)));
}
