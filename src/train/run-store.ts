import type { TrainingBatch } from '../data/batches.js';
import type { Dataset } from '../data/dataset.js';
import type { Metrics } from '../data/metrics.js';
import type { Gpu } from '../engine/gpu.js';
import type { ItemCounts } from '../kernels/score/sampler.js';
import type { HostParameters } from '../model/parameters.js';
import type { Checkpoint, ResumableCheckpoint } from './checkpoint.js';
import type { TrainConfig } from './config.js';

/** Why a run ends, in words. */
export const STOP_REASONS = {
  early_stopping: 'no better validation for early_stopping_patience epochs',
  max_epochs: 'max_epochs reached',
  max_steps: 'max_steps reached',
  max_minutes: 'max_minutes reached',
  aborted: 'interrupted',
} as const;

/** Why a run ended. @useDeclaredType */
export type StopReason = keyof typeof STOP_REASONS;

/** How a session of a run ended; `error` is the message of a failure. */
export interface Outcome {
  readonly stopped: StopReason | 'failed';
  readonly error?: string;
}

/** The steps since the previous record. */
export interface StepRecord {
  /** The last of these steps. */
  readonly step: number;
  /** Mean loss per position. */
  readonly loss: number;
  readonly positions_per_second: number;
  /** Training time so far. */
  readonly seconds: number;
}

/** One validation. The metrics are left out if there are no validation users. */
export interface Validation extends Partial<Metrics> {
  /** Epochs done; a fraction if a limit stopped the run within an epoch. */
  epoch: number;
  step: number;
  /** Mean training loss of the epoch. */
  loss: number;
  lr: number;
  /** Training time so far. */
  seconds: number;
  positions_per_second: number;
  /** Steps that the run has skipped so far under `on_nan: skip`. Omitted if there are none. */
  skipped?: number;
}

/** All that a step needs whose loss or gradient is not finite. */
export interface DivergedStep {
  readonly config: TrainConfig;
  /** Counts from 1. */
  readonly step: number;
  /** As they were before the step. */
  readonly weights: HostParameters;
  readonly batch: TrainingBatch;
  /** How often each item is a target, if negatives are drawn by it. */
  readonly counts?: ItemCounts;
}

/** A process that starts to train a run: the first one, or one that resumes it. */
export interface SessionStart {
  readonly config: TrainConfig;
  readonly dataset: Dataset;
  readonly gpu: Gpu;
  /** Left out for a new run. */
  readonly resumed?: ResumePoint;
}

/** Up to where a resumed run keeps its log. Everything later is recorded again. */
export interface ResumePoint {
  /** Steps up to this one. */
  readonly step: number;
  /** Validations up to this step. */
  readonly validation: number;
  /** Training time so far. */
  readonly seconds: number;
}

type Awaitable<T> = T | Promise<T>;

/**
 * Keeps a run: in memory, in a folder, in a browser's storage. `train` calls `begin` once, then `logSteps`, `logValidation` and `save` in the order in
 * which things happen, and `end` last, also after a failure.
 */
export interface RunStore {
  /** How messages refer to it. */
  readonly name: string;
  /** @throws InputError if it keeps a run already */
  checkVacant(): Awaitable<void>;
  /** The checkpoint that a resumed run continues from. @throws InputError if there is none, or it is damaged */
  load(): Awaitable<ResumableCheckpoint>;
  /** The best weights so far; undefined before the first validation. @throws InputError if they are damaged */
  best(): Awaitable<Checkpoint | undefined>;
  /** Makes room for the run. @throws InputError if that is impossible, such as when a new run finds another one */
  begin(session: SessionStart): Awaitable<void>;
  /** Replaces the last checkpoint, entirely or not at all, and also the best one if `isBest`. */
  save(checkpoint: ResumableCheckpoint, isBest: boolean): Awaitable<void>;
  /** Keeps a step that is not finite. @returns how to see it again, a clause of a message; left out where a store has no way to */
  saveDiverged?(step: DivergedStep): Awaitable<string>;
  /** Keeps what was measured of some steps; it may be lost in a crash. */
  logSteps(record: StepRecord): Awaitable<void>;
  /** Keeps what a validation measured. */
  logValidation(record: Validation): Awaitable<void>;
  /** Keeps why the session ended. Nothing is called afterwards. */
  end(outcome: Outcome): Awaitable<void>;
}
