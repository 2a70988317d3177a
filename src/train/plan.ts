import { InputError } from '../base/errors.js';
import { TrainingBatches } from '../data/batches.js';
import { type Dataset, hiddenTargets } from '../data/dataset.js';
import type { ItemCounts } from '../kernels/score/sampler.js';
import { type HostParameters, initialParameters } from '../model/parameters.js';
import { architectureOf } from '../model/registry.js';
import type { Checkpoint, ResumableCheckpoint } from './checkpoint.js';
import { chosenIn } from './chosen.js';
import { checkOptions, resolveConfig, resumeConfig, type TrainConfig, type TrainOptions } from './config.js';
import { priorProduct } from './objective.js';
import type { RunStore } from './run-store.js';
import type { TrainerState } from './trainer.js';
import { carriedOver, inheritedOptions, warmStart } from './warm-start.js';

/** Everything that decides how a run goes and needs no GPU. */
export interface PlanRequest {
  dataset: Dataset;
  /**
   * Keys that are left out have their defaults or, with `resume`, the saved values. In a list, such as a preset and changes to it, later options win.
   */
  options?: Partial<TrainOptions> | readonly Partial<TrainOptions>[];
  /** Keeps the run. If left out, only the best weights are kept, in the result. */
  store?: RunStore;
  /** Continue from the store's last checkpoint, to the same bits as an uninterrupted run. */
  resume?: boolean;
  /** Start from these weights; the data may have more items by now. */
  initFrom?: Checkpoint;
  /** With `initFrom`: the number that an item of the checkpoint has in this data, if numbers differ. */
  numberOf?: (item: number) => number | undefined;
}

/** What a request resolves to: its configuration and, with `resume`, the run that it continues. */
export interface TrainPlan {
  readonly config: TrainConfig;
  readonly batches: TrainingBatches;
  /** How often each item is a target, if negatives are drawn by it. */
  readonly counts?: ItemCounts;
  readonly saved?: ResumableCheckpoint;
  /** What a person should know about the data before the run, one sentence each. */
  readonly notices: readonly string[];
  /** The state in which training begins: the saved one, or the parameters of step 0. */
  start(): TrainerState;
}

/** Checks a request without a GPU and without writing anything. @throws InputError as `train` */
export async function planTraining(request: PlanRequest): Promise<TrainPlan> {
  const { dataset, options, store, resume, initFrom, numberOf } = request;
  const layers = (Array.isArray(options) ? options : [options ?? {}]).map((layer) => checkOptions(layer, 'options'));
  if (!resume) {
    await store?.checkVacant();
    const config = resolveConfig(dataset.numItems, [initFrom ? inheritedOptions(initFrom) : {}, ...layers], 'options');
    const weights = initFrom && warmStart(initFrom, config, 'init-from', numberOf);
    const drawn = drawnFrom(dataset, config);
    return {
      config,
      ...drawn,
      notices: [
        ...(initFrom ? [carriedOver(initFrom, dataset.numItems, numberOf)] : []),
        ...noticesOf(dataset, config),
      ],
      start: () => ({ weights: weights ?? freshWeights(config, drawn.counts), step: 0 }),
    };
  }
  if (initFrom !== undefined) throw new InputError('resume goes on with a run of its own; leave out init-from');
  if (store === undefined) throw new InputError('resume needs store, where the run to go on with is kept');
  const saved = await store.load();
  const given = Object.assign({}, ...layers, { num_items: dataset.numItems });
  const config = resumeConfig(saved.config, given, store.name);
  return { saved, config, ...drawnFrom(dataset, config), notices: noticesOf(dataset, config), start: () => saved };
}

function noticesOf({ val }: Dataset, { filter_rated, max_epochs }: TrainConfig): string[] {
  const users = val.targets.length;
  if (users === 0) {
    return [
      `there is nobody to validate on: the latest weights are the best, and only max_epochs (${max_epochs}), max_steps or max_minutes ends the run`,
    ];
  }
  if (!filter_rated || hiddenTargets(val) < users) return [];
  return [
    'every validation target is in its own history, and seen items are left out: all metrics will be 0 unless filter_rated is false',
  ];
}

/** The batches of a run's epochs. @throws InputError if no user has two items */
export function trainingBatches({ train }: Dataset, config: TrainConfig): TrainingBatches {
  return new TrainingBatches(architectureOf(config).task(config), train, {
    sequenceLength: config.sequence_length,
    batchSize: config.accumulate * config.train_batch_size,
    partSize: config.train_batch_size,
    maxBatchesPerEpoch: config.max_batches_per_epoch,
    seed: config.seed,
    withHistories: chosenIn(config).negatives.needs === 'histories',
  });
}

/** The batches of a run's epochs, and the counts that its negatives are drawn by. @throws InputError if no user has two items */
export function drawnFrom(dataset: Dataset, config: TrainConfig): Pick<TrainPlan, 'batches' | 'counts'> {
  const batches = trainingBatches(dataset, config);
  const { name, needs } = chosenIn(config).negatives;
  if (needs === 'histories') checkSomethingLeft(dataset, name);
  return { batches, ...(needs === 'counts' && { counts: batches.targetCounts(config.num_items) }) };
}

/** @throws InputError for a user who has every item, so that there is none that is not the user's own */
function checkSomethingLeft({ name, numItems, train }: Dataset, negatives: string): void {
  for (let user = 0; user < train.count; user++) {
    if (train.lengthOf(user) < numItems || new Set(train.at(user)).size < numItems) continue;
    throw new InputError(
      `${name}: training sequence ${user + 1} has all ${numItems} items, so that the negatives ${negatives} have none left to draw; leave that sequence out, or set negatives to uniform`,
    );
  }
}

/** Parameters drawn as the configuration says. */
function freshWeights(config: TrainConfig, counts: ItemCounts | undefined): HostParameters {
  const { seed, init_std: std, init_prior } = config;
  return initialParameters(config, { seed, std, ...(init_prior && { score: priorProduct(config, counts) }) });
}
