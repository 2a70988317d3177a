import type { Dataset } from '../data/dataset.js';
import type { Metrics } from '../data/metrics.js';
import type { Gpu } from '../engine/gpu.js';
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

/** The steps since the record before. */
export interface StepRecord {
  /** The latest of these steps. */
  readonly step: number;
  /** Mean loss a position. */
  readonly loss: number;
  readonly positions_per_second: number;
  /** Training time so far. */
  readonly seconds: number;
}

/** One validation. The metrics are left out where there is nobody to validate on. */
export interface Validation extends Partial<Metrics> {
  /** Epochs done; a fraction where a limit stopped the run within one. */
  epoch: number;
  step: number;
  /** Mean training loss of the epoch. */
  loss: number;
  lr: number;
  /** Training time so far. */
  seconds: number;
  positions_per_second: number;
}

/** One process that trains a run: the first, or one that resumes it. */
export interface SessionStart {
  readonly config: TrainConfig;
  readonly dataset: Dataset;
  readonly gpu: Gpu;
  /** Left out where the run is new. */
  readonly resumed?: ResumePoint;
}

/** What a resumed run keeps of its log: what was recorded later is recorded again. */
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
 * Where a run is kept: memory, a folder, a browser's storage. `train` calls `begin` once, then `logSteps`, `logValidation` and `save` in the
 * order in which things happen, and `end` last, also after a failure.
 */
export interface RunStore {
  /** What messages call it. */
  readonly name: string;
  /** @throws InputError where a run is kept already */
  checkVacant(): Awaitable<void>;
  /** The checkpoint that a resumed run goes on from. @throws InputError where there is none, or it is damaged */
  load(): Awaitable<ResumableCheckpoint>;
  /** The best weights so far; undefined where no validation was completed. @throws InputError where they are damaged */
  best(): Awaitable<Checkpoint | undefined>;
  /** Makes room for the run. @throws InputError where that is not possible, such as where a new run finds another one */
  begin(session: SessionStart): Awaitable<void>;
  /** Replaces the last checkpoint, whole or not at all, and the best one where this one is better. */
  save(checkpoint: ResumableCheckpoint, isBest: boolean): Awaitable<void>;
  logSteps(record: StepRecord): Awaitable<void>;
  logValidation(record: Validation): Awaitable<void>;
  end(outcome: Outcome): Awaitable<void>;
}
