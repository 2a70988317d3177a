import { type GsasrecConfig, gsasrec } from '../../src/model/gsasrec.js';
import { type HostParameters, initialParameters } from '../../src/model/parameters.js';
import { readSafetensors, writeSafetensors } from '../../src/store/safetensors.js';
import { resolveConfig, type TrainConfig } from '../../src/train/config.js';
import type { StepShape } from './shapes.js';

/** The model alone. */
export function modelOf({ items, blocks, heads, sequence_length, embedding_dim, dropout }: StepShape): GsasrecConfig {
  return {
    model: gsasrec.name,
    num_items: items,
    sequence_length,
    embedding_dim,
    num_blocks: blocks,
    num_heads: heads,
    dropout_rate: dropout,
    reuse_item_embeddings: false,
  };
}

/** Everything that a step of ours takes, under the names of its options. */
export function configOf({ items, blocks, heads, dropout, batch_size, ...same }: StepShape): TrainConfig {
  return resolveConfig(items, [
    { ...same, num_blocks: blocks, num_heads: heads, dropout_rate: dropout, train_batch_size: batch_size },
  ]);
}

/** The weights that a process starts with: those of a file, or its own. */
export function weightsOf(shape: StepShape, file: string): HostParameters {
  if (!file) return initialParameters(modelOf(shape), { seed: 42 });
  const tensors = [...readSafetensors(file).tensors];
  return new Map(tensors.map(([name, { shape, data }]) => [name, { shape, data: data as Float32Array }]));
}

export function writeWeights(file: string, weights: HostParameters): void {
  writeSafetensors(file, new Map([...weights].map(([name, tensor]) => [name, { dtype: 'F32', ...tensor }])));
}
