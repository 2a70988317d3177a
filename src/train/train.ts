import { orAborted } from '../base/abort.js';
import { DivergedError, describeDivergence, findDivergedStep, replayStep } from './divergence.js';
import { Loop, type TrainRequest, type TrainResult } from './loop.js';
import { planTraining, type TrainPlan } from './plan.js';
import { reserveTraining } from './reserve.js';
import type { RunStore } from './run-store.js';
import type { Trainer, TrainerState } from './trainer.js';

export type { TrainRequest, TrainResult };

/**
 * Trains a model until early stopping, a limit or the signal.
 * @throws InputError for bad options, a store that holds a run, a run that cannot be resumed
 * @throws OutOfMemoryError before anything is written, if the device cannot hold the run, or cannot bind a table of all items
 * @throws GsasError if the loss is no longer a number; the last checkpoint stays as it was
 */
export async function train(request: TrainRequest): Promise<TrainResult> {
  const { gpu, store, dataset } = request;
  const plan = await planTraining(request);
  const { config, saved } = plan;
  const users = dataset.val.targets.length;
  let { trainer, start }: { trainer?: Trainer; start?: TrainerState } = await reserveTraining(gpu, plan, {
    users,
    signal: request.signal,
  });
  const resumed = saved && {
    step: saved.step,
    // A validation within an epoch exists only because a limit stopped the run there. A run that continues drops it.
    validation: saved.loop.batch > 0 ? saved.step - 1 : saved.step,
    seconds: saved.loop.seconds,
  };
  try {
    await store?.begin({ gpu, config, dataset, ...(resumed && { resumed }) });
  } catch (error) {
    trainer.release();
    throw error;
  }
  try {
    await orAborted(prepare(trainer, request), request.signal);
    const loop = new Loop(request, plan, trainer, start);
    start = undefined; // the loop drops it after the first step: it may be gigabytes
    const result = await loop.run();
    await store?.end({ stopped: result.stopped });
    return result;
  } catch (caught) {
    trainer?.release();
    trainer = undefined; // a divergence is looked for with another
    const error = caught instanceof DivergedError ? await explained(caught, request, plan) : caught;
    if (store) await noteFailure(store, error);
    throw error;
  } finally {
    trainer?.release();
  }
}

async function prepare(trainer: Trainer, { signal, onPrepared }: TrainRequest): Promise<void> {
  await trainer.compile(signal);
  if (!signal?.aborted) await onPrepared?.();
}

/** Adds to the error which tensor is not finite and how to replay the step, if that can be determined. */
async function explained(error: DivergedError, { gpu, store, signal }: TrainRequest, plan: TrainPlan): Promise<Error> {
  try {
    const from = error.saved ? await store?.load() : undefined;
    const step = signal?.aborted ? undefined : await findDivergedStep(gpu, plan, from, error.step);
    if (!step) return error;
    const found = describeDivergence(step.step, await replayStep(gpu, step));
    if (!found) return error;
    const hint = await store?.saveDiverged?.(step);
    return new DivergedError([error.message, found, hint].filter(Boolean).join('; '), error.step, error.saved);
  } catch {
    return error; // a search that fails must not hide what was found before
  }
}

/** Records the error that ended the run. If that fails too, as on a full disk, the first error is still the one to report. */
async function noteFailure(store: RunStore, error: unknown): Promise<void> {
  try {
    await store.end({ stopped: 'failed', error: error instanceof Error ? error.message : String(error) });
  } catch {}
}
