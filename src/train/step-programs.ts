import type { Gpu } from '../engine/gpu.js';
import type { Program } from '../engine/program.js';
import type { ItemCounts } from '../kernels/score/sampler.js';
import type { TrainConfig } from './config.js';
import { Trainer, type TrainerState } from './trainer.js';

/** The programs that a training step launches, in the order of their first launches. Records a step and runs nothing. */
export async function stepPrograms(
  gpu: Gpu,
  config: TrainConfig,
  start: TrainerState,
  tokens: number,
  drawnFrom: { counts?: ItemCounts },
): Promise<Program[]> {
  const trainer = new Trainer(gpu, config, start, drawnFrom);
  await trainer.prepare(tokens);
  await gpu.settle();
  trainer.release();
  return gpu.pipelines.programs;
}
