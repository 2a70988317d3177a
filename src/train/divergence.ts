import { GsasError } from '../base/errors.js';
import { firstNonFinite } from '../base/finite.js';
import type { Gpu } from '../engine/gpu.js';
import type { ResumableCheckpoint } from './checkpoint.js';
import type { TrainPlan } from './plan.js';
import type { DivergedStep } from './run-store.js';
import { Trainer } from './trainer.js';

/** A run that ends because a number is NaN or infinite. */
export class DivergedError extends GsasError {
  constructor(
    message: string,
    /** The step that showed it; an earlier one may be to blame. */
    readonly step: number,
    /** Whether the run's store holds a checkpoint. */
    readonly saved: boolean,
  ) {
    super(message);
  }
}

/** What is not finite in a step. */
export interface Divergence {
  readonly loss: number;
  /** Parameters and gradients that hold a number that is not finite, with the first such number and where it stands. */
  readonly tensors: readonly { readonly name: string; readonly value: number; readonly at: number }[];
}

/**
 * Trains again from where a run was last known to be well, to the first step that is not finite.
 * @param from undefined for the run's beginning
 * @param last the step at which to give up
 * @returns undefined where every step is finite, so that it cannot be reproduced
 */
export async function findDivergedStep(
  gpu: Gpu,
  { config, batches, counts, start }: TrainPlan,
  from: ResumableCheckpoint | undefined,
  last: number,
): Promise<DivergedStep | undefined> {
  let [epoch, index] = from ? [from.epoch, from.loop.batch] : [0, 0];
  const trainer = new Trainer(gpu, config, from ?? start(), { guarded: true, counts });
  try {
    while (trainer.step < last) {
      if (index === batches.perEpoch) [epoch, index] = [epoch + 1, 0];
      const batch = batches.batch(epoch, index++);
      const { finite } = await trainer.advance(batch);
      if (!finite) {
        const weights = await trainer.weights();
        return { config, step: trainer.step, weights, batch, ...(counts && { counts }) };
      }
    }
    return undefined;
  } finally {
    trainer.release();
  }
}

/** Takes a step again, without its update. @returns what is not finite in it */
export async function replayStep(
  gpu: Gpu,
  { config, step, weights, batch, counts }: DivergedStep,
): Promise<Divergence> {
  const trainer = new Trainer(gpu, config, { weights, step: step - 1 }, { counts });
  try {
    const { loss, gradients } = await trainer.differentiate(batch);
    const tensors = [
      ...[...weights].map(([name, { data }]) => ({ name, data })),
      ...[...gradients].map(([name, { data }]) => ({ name: `the gradient of ${name}`, data })),
    ];
    const spoilt = tensors.flatMap(({ name, data }) => {
      const at = firstNonFinite(data);
      return at < 0 ? [] : [{ name, value: data[at], at }];
    });
    return { loss, tensors: spoilt };
  } finally {
    trainer.release();
  }
}

/** The divergence in words; undefined where all is finite. */
export function describeDivergence(step: number, { loss, tensors }: Divergence): string | undefined {
  const parts = Number.isFinite(loss) ? [] : [`the loss is ${loss}`];
  if (tensors.length > 0) {
    const [{ name, value, at }] = tensors;
    const more = tensors.length > 1 ? ` (and ${tensors.length - 1} more tensors are not finite)` : '';
    parts.push(`${name} holds ${value} as number ${at + 1}${more}`);
  }
  return parts.length > 0 ? `in step ${step} ${parts.join(' and ')}` : undefined;
}
