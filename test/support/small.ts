import { syntheticDataset } from '../../src/data/synthetic.js';
import type { TrainOptions } from '../../src/train/config.js';

/** A catalogue of 240 items that trains in milliseconds per step. */
export const { dataset } = syntheticDataset({ items: 240, users: 200, valUsers: 40 });

/** A model for it. Shaders hold its sizes as constants, so that tests of the same sizes share a driver's shader cache. */
export const MODEL = {
  sequence_length: 20,
  embedding_dim: 16,
  num_heads: 2,
  num_blocks: 1,
} satisfies Partial<TrainOptions>;

/** Its training, in epochs of four steps. */
export const TRAINING = {
  ...MODEL,
  dropout_rate: 0.1,
  negs_per_pos: 8,
  train_batch_size: 32,
  max_batches_per_epoch: 4,
  lr: 5e-3,
  init_std: 0.02,
  seed: 5,
} satisfies Partial<TrainOptions>;

/** Options as the flags of `gsas-wgpu train`. */
export function flagsOf(options: Partial<TrainOptions>): string[] {
  return Object.entries(options).flatMap(([key, value]) => [`--${key.replaceAll('_', '-')}`, String(value)]);
}
