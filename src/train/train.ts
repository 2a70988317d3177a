import type { Gpu } from '../engine/gpu.js';
import { checkTables } from '../model/tables.js';
import type { Checkpoint } from './checkpoint.js';
import type { TrainConfig } from './config.js';
import { Loop } from './loop.js';
import { type PlanRequest, planTraining } from './plan.js';
import type { ProgressState } from './progress.js';
import type { RunStore, StopReason, Validation } from './run-store.js';
import { Trainer } from './trainer.js';

export interface TrainRequest extends PlanRequest {
  gpu: Gpu;
  /** Aborting it ends the run after the step in hand, or in the middle of a validation; the last checkpoint is written. */
  signal?: AbortSignal;
  /** Awaited before the first step, when the GPU's kernels have been asked for all that a step needs: the time to tune them. */
  onPrepared?: () => Promise<void>;
  /** After each step, once its loss has arrived: up to two steps late. */
  onStep?: (state: ProgressState) => void;
  /** After each validation, before its checkpoint is written. */
  onValidation?: (validation: Validation) => void;
}

/** How a run ended, and its best weights. */
export interface TrainResult {
  config: TrainConfig;
  stopped: StopReason;
  steps: number;
  epochs: number;
  /** Training time over all the runs that led here, validation included. */
  seconds: number;
  /** Best by val_metric; undefined where the run was aborted before the first validation. */
  best: Checkpoint | undefined;
}

/**
 * Trains gSASRec until early stopping, a limit or the signal.
 * @throws InputError for bad options, a store that holds a run, a run that cannot be resumed
 * @throws OutOfMemoryError before anything is written where the adapter can bind no table of all items
 * @throws GsasError when the loss is no longer a number; the last checkpoint stays as it was
 */
export async function train(request: TrainRequest): Promise<TrainResult> {
  const { gpu, store, dataset } = request;
  const plan = await planTraining(request);
  const { config, saved } = plan;
  checkTables(gpu, config);
  const resumed = saved && {
    step: saved.step,
    // A validation within an epoch belongs to a run that a limit stopped there; one that goes on does not have it.
    validation: saved.loop.batch > 0 ? saved.step - 1 : saved.step,
    seconds: saved.loop.seconds,
  };
  await store?.begin({ gpu, config, dataset, ...(resumed && { resumed }) });
  let trainer: Trainer | undefined;
  try {
    trainer = new Trainer(gpu, config, plan.start());
    await trainer.prepare(plan.batches.capacity);
    await request.onPrepared?.();
    const result = await new Loop(request, plan, trainer).run();
    await store?.end({ stopped: result.stopped });
    return result;
  } catch (error) {
    if (store) await noteFailure(store, error);
    throw error;
  } finally {
    trainer?.release();
  }
}

/** The error that ended the run is the one to report, also where the disk is full and it cannot be noted. */
async function noteFailure(store: RunStore, error: unknown): Promise<void> {
  try {
    await store.end({ stopped: 'failed', error: error instanceof Error ? error.message : String(error) });
  } catch {}
}
