import { DeviceLostError } from '../base/errors.js';
import type { Gpu } from '../engine/gpu.js';
import { optionTable } from './config.js';
import type { RunStore } from './run-store.js';
import { type TrainRequest, type TrainResult, train } from './train.js';

/**
 * Trains like `train`. If the device is lost and the store holds a checkpoint, training goes on from it on another device, to the same bits. A device that
 * is lost again before the next checkpoint ends the run: the same work would lose it once more.
 * @param reopen opens the other device; the caller closes it
 * @throws what `train` throws; DeviceLostError if there is no checkpoint to go on from
 */
export async function trainThroughLoss(
  request: TrainRequest,
  reopen: (error: DeviceLostError, step: number) => Promise<Gpu>,
): Promise<TrainResult> {
  let next = request;
  for (let before = -1; ; ) {
    try {
      return await train(next);
    } catch (error) {
      if (!(error instanceof DeviceLostError) || !request.store || request.signal?.aborted) throw error;
      const step = await lastStep(request.store);
      if (step === undefined || step === before) throw error;
      before = step;
      const { initFrom, numberOf, options, ...rest } = request;
      next = { ...rest, gpu: await reopen(error, step), resume: true, options: limitsIn(options) };
    }
  }
}

/** The step of the checkpoint that the store holds; undefined if there is none. */
async function lastStep(store: RunStore): Promise<number | undefined> {
  try {
    return (await store.load()).step;
  } catch {
    return undefined; // the lost device is the error to report
  }
}

/** The limits among the options: all else is in the checkpoint. */
function limitsIn(options: TrainRequest['options'] = {}): object {
  const table = optionTable();
  const given = Object.entries(Object.assign({}, ...[options].flat()));
  return Object.fromEntries(given.filter(([key]) => table[key]?.limit));
}
