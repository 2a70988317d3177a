import type { HostParameters } from '../model/parameters.js';
import type { TrainConfig } from './config.js';

/** Trained weights, and where they come from. */
export interface Checkpoint {
  readonly config: TrainConfig;
  /** Optimizer steps behind these weights. */
  readonly step: number;
  /** Epochs completed, so also the number of the epoch that was under way, counted from 0. */
  readonly epoch: number;
  /** Of the latest validation, for example {'ndcg@10': 0.14}; empty before the first. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly weights: HostParameters;
}

/** What an optimizer keeps for each parameter between steps, by its own names: Adam's are `m` and `v`. */
export type OptimizerSlots = Readonly<Record<string, HostParameters>>;

/** Where the loop stands besides weights and slots. */
export interface LoopState {
  /** Batches done in the epoch that is under way, and the sum of their losses. */
  readonly batch: number;
  readonly loss_sum: number;
  /** Early stopping: the best value of val_metric so far (none before the first) and epochs since. */
  readonly best_metric?: number;
  readonly epochs_without_improvement: number;
  /** Training time so far, over all the runs that led here. */
  readonly seconds: number;
}

/** The state of a run that begins. */
export const LOOP_START: LoopState = { batch: 0, loss_sum: 0, epochs_without_improvement: 0, seconds: 0 };

/** All that a resumed run needs. The optimizer's step counter is `step`. */
export interface ResumableCheckpoint extends Checkpoint {
  readonly slots: OptimizerSlots;
  readonly loop: LoopState;
}
