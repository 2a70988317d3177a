import type { Option } from '../base/options.js';

/** Options that every architecture has. */
export const COMMON_OPTIONS = {
  sequence_length: {
    type: 'integer',
    default: 200,
    min: 1,
    max: 65536,
    help: 'window S: how many of the latest items of a history the model sees',
  },
  embedding_dim: {
    type: 'integer',
    default: 256,
    min: 1,
    max: 8192,
    fixed: true,
    help: 'size D of an embedding',
  },
  dropout_rate: { type: 'number', default: 0, min: 0, below: 1, help: 'share of activations dropped in training' },
} as const satisfies Record<string, Option>;

/** Options of architectures made of transformer blocks, with the names and defaults of the official port's config.py. */
export const TRANSFORMER_OPTIONS = {
  sequence_length: COMMON_OPTIONS.sequence_length,
  embedding_dim: { ...COMMON_OPTIONS.embedding_dim, help: 'size D of an embedding, a multiple of num_heads' },
  num_heads: { type: 'integer', default: 4, min: 1, max: 8192, fixed: true, help: 'attention heads H' },
  num_blocks: { type: 'integer', default: 3, min: 1, max: 128, fixed: true, help: 'transformer blocks' },
  dropout_rate: COMMON_OPTIONS.dropout_rate,
  reuse_item_embeddings: {
    type: 'boolean',
    default: false,
    fixed: true,
    help: 'score with the input table instead of a table of its own',
  },
} as const satisfies Record<string, Option>;
