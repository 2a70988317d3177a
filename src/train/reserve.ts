import { OutOfMemoryError } from '../base/errors.js';
import type { Gpu } from '../engine/gpu.js';
import { NeuralRecommender } from '../infer/neural.js';
import type { TrainPlan } from './plan.js';
import { checkTraining, Trainer, type TrainerState } from './trainer.js';

/**
 * A trainer, with the state that it starts from, that holds all the memory that its run will need, so that a run which does not fit ends before it writes anything.
 * @param users of the validation split
 * @param signal once it is aborted, nothing more is allocated: no step will be taken
 * @throws OutOfMemoryError that says what was asked for, what is held, and which options would help
 */
export async function reserveTraining(
  gpu: Gpu,
  plan: TrainPlan,
  { users = 0, signal }: { users?: number; signal?: AbortSignal | undefined } = {},
): Promise<{ trainer: Trainer; start: TrainerState }> {
  const { config, batches } = plan;
  checkTraining(gpu, config); // before the parameters are drawn
  const start = plan.start();
  const trainer = await advising(
    'use a smaller embedding_dim, fewer blocks, fewer items or optimizer sgd',
    async () => {
      const trainer = new Trainer(gpu, config, start, plan);
      await trainer.stream.finish();
      return trainer;
    },
  );
  try {
    await advising('use a smaller train_batch_size, sequence_length, negs_per_pos or embedding_dim', () => {
      if (!signal?.aborted) trainer.allocate(batches.capacity);
      return trainer.stream.finish();
    });
    await advising('use a smaller eval_batch_size or sequence_length', () => {
      if (users > 0 && !signal?.aborted) new NeuralRecommender(trainer.model, config).allocate(users);
      return trainer.stream.finish();
    });
  } catch (error) {
    trainer.release();
    throw error;
  }
  return { trainer, start };
}

async function advising<T>(advice: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof OutOfMemoryError ? error.advising(advice) : error;
  }
}
