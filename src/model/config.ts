import { InputError } from '../base/errors.js';
import { checkValue, type Domain, type Option, type Values } from '../base/options.js';

/** The keys that fix the model's shape, under the names and with the defaults of the official port's config.py. */
export const MODEL_OPTIONS = {
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
    help: 'size D of an embedding, a multiple of num_heads',
  },
  num_heads: { type: 'integer', default: 4, min: 1, max: 8192, help: 'attention heads H' },
  num_blocks: { type: 'integer', default: 3, min: 1, max: 128, help: 'transformer blocks' },
  dropout_rate: { type: 'number', default: 0, min: 0, below: 1, help: 'share of activations dropped in training' },
  reuse_item_embeddings: {
    type: 'boolean',
    default: false,
    help: 'score with the input table instead of a table of its own',
  },
} as const satisfies Record<string, Option>;

/**
 * What fixes the model's shape: the options above and the catalogue. Items are 1..num_items, num_items + 1 is padding.
 * @interface
 */
export type ModelConfig = Values<typeof MODEL_OPTIONS> & { num_items: number };

/** gBCE's alpha = k / (N - 1) needs two items; ids up to N + 1 must fit a 32-bit integer. */
const NUM_ITEMS: Domain = { type: 'integer', min: 2, max: 2 ** 31 - 3 };

/** Shaders address the elements of a table by 32-bit integers. */
const MOST_ELEMENTS = 2 ** 32 - 1;

/** Throws an InputError that names the source, the key, its value and what is allowed. Keys of other tables are ignored. */
export function checkModelConfig(config: ModelConfig, source: string): void {
  checkValue('num_items', config.num_items, NUM_ITEMS, source);
  for (const [key, option] of Object.entries(MODEL_OPTIONS)) {
    checkValue(key, config[key as keyof ModelConfig], option, source);
  }
  if (config.embedding_dim % config.num_heads !== 0) {
    throw new InputError(
      `${source}: embedding_dim is ${config.embedding_dim}; it must be a multiple of num_heads, which is ${config.num_heads}`,
    );
  }
  if ((config.num_items + 2) * config.embedding_dim > MOST_ELEMENTS) {
    throw new InputError(
      `${source}: embedding_dim is ${config.embedding_dim}, too many for ${config.num_items} items: a table holds at most ${MOST_ELEMENTS} numbers; choose a smaller embedding_dim`,
    );
  }
}

/**
 * Every parameter of gSASRec: name -> shape, named and ordered as in the official port's state dict.
 * A linear layer's weight is [out, in]; its input x is multiplied as x W^T + b.
 */
export function parameterShapes(config: ModelConfig): Map<string, number[]> {
  const { num_items: N, sequence_length: S, embedding_dim: D } = config;
  const shapes = new Map<string, number[]>([
    ['item_embedding.weight', [N + 2, D]],
    ['position_embedding.weight', [S, D]],
  ]);
  const add = (layer: string, weight: number[]) => shapes.set(`${layer}.weight`, weight).set(`${layer}.bias`, [D]);
  for (let i = 0; i < config.num_blocks; i++) {
    const block = `transformer_blocks.${i}`;
    for (const norm of ['first_norm', 'second_norm']) add(`${block}.${norm}`, [D]);
    for (const proj of ['query_proj', 'key_proj', 'val_proj']) add(`${block}.multihead_attention.${proj}`, [D, D]);
    for (const dense of ['dense1', 'dense2']) add(`${block}.${dense}`, [D, D]);
  }
  add('seq_norm', [D]);
  if (!config.reuse_item_embeddings) shapes.set('output_embedding.weight', [N + 2, D]);
  return shapes;
}

/**
 * gBCE's exponent of the positive's probability: beta = alpha (t (1 - 1/alpha) + 1/alpha), alpha = k / (N - 1)
 * (Petrov and Macdonald, RecSys 2023, section 5.2). t = 0 gives 1, plain BCE; t = 1 gives alpha, calibrated probabilities.
 */
export function gbceBeta(negsPerPos: number, numItems: number, t: number): number {
  const alpha = negsPerPos / (numItems - 1);
  return alpha * (t * (1 - 1 / alpha) + 1 / alpha);
}
