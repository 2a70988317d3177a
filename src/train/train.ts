import { checkTables } from '../model/tables.js';
import { Loop, type TrainRequest, type TrainResult } from './loop.js';
import { planTraining } from './plan.js';
import type { RunStore } from './run-store.js';
import { Trainer } from './trainer.js';

export type { TrainRequest, TrainResult };

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
