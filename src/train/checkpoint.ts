import type { HostParameters } from '../model/parameters.js';
import type { TrainConfig } from './config.js';

/** Trained weights and how they came about. */
export interface Checkpoint {
  readonly config: TrainConfig;
  /** Optimizer steps that led to these weights. */
  readonly step: number;
  /** Completed epochs, and so also the number, from 0, of the current one. */
  readonly epoch: number;
  /** Metrics of the latest validation, such as {'ndcg@10': 0.14}; empty before the first one. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly weights: HostParameters;
}

/** What an optimizer keeps for each parameter between steps, by slot name: Adam's are `m` and `v`. */
export type OptimizerSlots = Readonly<Record<string, HostParameters>>;

/** The loop's own state, besides weights and slots. */
export interface LoopState {
  /** Batches done in the current epoch, and the sum of their losses. */
  readonly batch: number;
  readonly loss_sum: number;
  /** Steps that the run has skipped under `on_nan: skip`. Omitted if there are none. */
  readonly skipped?: number;
  /** Early stopping: the best value of val_metric so far (none before the first validation), and the epochs since then. */
  readonly best_metric?: number;
  readonly epochs_without_improvement: number;
  /** Training time so far, over all sessions. */
  readonly seconds: number;
}

/** The state of a new run. */
export const LOOP_START: LoopState = { batch: 0, loss_sum: 0, epochs_without_improvement: 0, seconds: 0 };

/** Everything that a resumed run needs. The optimizer's step counter is `step`. */
export interface ResumableCheckpoint extends Checkpoint {
  readonly slots: OptimizerSlots;
  readonly loop: LoopState;
}
