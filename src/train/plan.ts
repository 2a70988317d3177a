import { TrainingBatches } from '../data/batches.js';
import type { Dataset } from '../data/dataset.js';
import { InputError } from '../engine/errors.js';
import { gbceBeta } from '../model/config.js';
import { type HostParameters, initialParameters, priorScore } from '../model/parameters.js';
import { loadResumable, type ResumableCheckpoint, refuseTaken } from './checkpoint.js';
import { checkOptions, resolveConfig, resumeConfig, type TrainConfig, type TrainOptions } from './config.js';

/** What decides how a run goes, before a GPU is needed. */
export interface PlanRequest {
  dataset: Dataset;
  /** Keys that are left out keep their defaults or, with `resume`, what the run was started with. */
  options?: Partial<TrainOptions>;
  /** The run's folder; left out, nothing is written. */
  out?: string;
  /** Go on from OUT/last.safetensors, to the same bits as a run that was never stopped. */
  resume?: boolean;
}

/** What a request comes to: its configuration and, with `resume`, the run that it goes on with. */
export interface TrainPlan {
  readonly config: TrainConfig;
  readonly batches: TrainingBatches;
  readonly saved?: ResumableCheckpoint;
}

/** Checks a request without a GPU and without writing anything. @throws InputError as `train` */
export function planTraining({ dataset, options, out, resume }: PlanRequest): TrainPlan {
  const given = checkOptions(options ?? {}, 'options');
  // The mean over no users is NaN, by which no checkpoint can be the best.
  if (dataset.val.targets.length === 0)
    throw new InputError(`${dataset.name} has an empty validation split; hold out the last item of one user at least`);
  if (!resume) {
    if (out !== undefined) refuseTaken(out);
    const config = resolveConfig(dataset.numItems, [given], 'options');
    return { config, batches: batchesOf(dataset, config) };
  }
  if (out === undefined) throw new InputError('resume needs out, the folder of the run to go on with');
  const saved = loadResumable(out);
  const config = resumeConfig(saved.config, { ...given, num_items: dataset.numItems }, out);
  return { saved, config, batches: batchesOf(dataset, config) };
}

function batchesOf({ train }: Dataset, config: TrainConfig): TrainingBatches {
  return new TrainingBatches(train, {
    sequenceLength: config.sequence_length,
    batchSize: config.train_batch_size,
    maxBatchesPerEpoch: config.max_batches_per_epoch,
    seed: config.seed,
  });
}

/** The parameters at step 0, as the configuration wants them drawn. */
export function startingWeights(config: TrainConfig): HostParameters {
  const { seed, init_std: std, init_prior, negs_per_pos, num_items, gbce_t } = config;
  if (!init_prior) return initialParameters(config, { seed, std });
  const beta = gbceBeta(negs_per_pos, num_items, gbce_t);
  return initialParameters(config, { seed, std, score: priorScore(beta, negs_per_pos) });
}
