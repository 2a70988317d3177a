import { orAborted } from '../base/abort.js';
import { checkTables } from '../model/tables.js';
import { Loop, type TrainRequest, type TrainResult } from './loop.js';
import { planTraining, type TrainPlan } from './plan.js';
import type { RunStore } from './run-store.js';
import { Trainer, type TrainerState } from './trainer.js';

export type { TrainRequest, TrainResult };

/**
 * Trains a model until early stopping, a limit or the signal.
 * @throws InputError for bad options, a store that holds a run, a run that cannot be resumed
 * @throws OutOfMemoryError before anything is written, if the adapter cannot bind a table of all items
 * @throws GsasError if the loss is no longer a number; the last checkpoint stays as it was
 */
export async function train(request: TrainRequest): Promise<TrainResult> {
  const { gpu, store, dataset } = request;
  const plan = await planTraining(request);
  const { config, saved } = plan;
  checkTables(gpu, config);
  const resumed = saved && {
    step: saved.step,
    // A validation within an epoch exists only because a limit stopped the run there. A run that continues drops it.
    validation: saved.loop.batch > 0 ? saved.step - 1 : saved.step,
    seconds: saved.loop.seconds,
  };
  await store?.begin({ gpu, config, dataset, ...(resumed && { resumed }) });
  let trainer: Trainer | undefined;
  try {
    let start: TrainerState | undefined = plan.start();
    trainer = new Trainer(gpu, config, start);
    await orAborted(prepare(trainer, plan, request), request.signal);
    const loop = new Loop(request, plan, trainer, start);
    start = undefined; // the loop drops it after the first step: it may be gigabytes
    const result = await loop.run();
    await store?.end({ stopped: result.stopped });
    return result;
  } catch (error) {
    if (store) await noteFailure(store, error);
    throw error;
  } finally {
    trainer?.release();
  }
}

async function prepare(trainer: Trainer, plan: TrainPlan, { signal, onPrepared }: TrainRequest): Promise<void> {
  await trainer.prepare(plan.batches.capacity);
  if (!signal?.aborted) await onPrepared?.();
}

/** Records the error that ended the run. If that fails too, as on a full disk, the first error is still the one to report. */
async function noteFailure(store: RunStore, error: unknown): Promise<void> {
  try {
    await store.end({ stopped: 'failed', error: error instanceof Error ? error.message : String(error) });
  } catch {}
}
