import type { Gpu } from '../engine/gpu.js';
import { parameterCount } from '../model/config.js';
import type { TrainPlan } from './plan.js';
import { reserveTraining } from './reserve.js';

/** What a run will take, measured by preparing it and taking a few steps. */
export interface TrainingCost {
  /** How many numbers are trained. */
  readonly parameters: number;
  /** Peak device memory: parameters, the optimizer's slots, and the largest batch's activations and gradients. */
  readonly deviceBytes: number;
  /** Median seconds of a step, without validation. */
  readonly stepSeconds: number;
  readonly stepsPerEpoch: number;
}

const WARM_UP = 2; // the first steps compile shaders and allocate the pool's buffers
const TIMED = 5;

/** Takes the first steps of a run and discards them. Writes nothing. @throws what training throws */
export async function estimateTraining(gpu: Gpu, plan: TrainPlan): Promise<TrainingCost> {
  const { config, batches } = plan;
  const { trainer } = await reserveTraining(gpu, plan);
  try {
    await trainer.compile();
    const seconds: number[] = [];
    for (let i = 0; i < WARM_UP + TIMED; i++) {
      const batch = batches.batch(0, i % batches.perEpoch);
      const began = performance.now();
      await trainer.train(batch);
      seconds.push((performance.now() - began) / 1000);
    }
    return {
      parameters: parameterCount(config),
      deviceBytes: gpu.pool.peakBytes,
      stepSeconds: seconds.slice(WARM_UP).sort((a, b) => a - b)[TIMED >> 1],
      stepsPerEpoch: batches.perEpoch,
    };
  } finally {
    trainer.release();
  }
}
