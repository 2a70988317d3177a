import { type GsasrecConfig, gsasrec } from '../../src/model/gsasrec.js';
import { type HostParameters, initialParameters } from '../../src/model/parameters.js';
import { readSafetensors, writeSafetensors } from '../../src/store/safetensors.js';
import type { StepShape } from './shapes.js';

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

/** The weights that a process starts with: those of a file, or its own. */
export function weightsOf(shape: StepShape, file: string): HostParameters {
  if (!file) return initialParameters(modelOf(shape), { seed: 42 });
  const tensors = [...readSafetensors(file).tensors];
  return new Map(tensors.map(([name, { shape, data }]) => [name, { shape, data: data as Float32Array }]));
}

export function writeWeights(file: string, weights: HostParameters): void {
  writeSafetensors(file, new Map([...weights].map(([name, tensor]) => [name, { dtype: 'F32', ...tensor }])));
}
