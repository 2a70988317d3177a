import { BEAUTY, ML1M, STEAM } from './lengths.js';

/** A training step's shape, under the names of the baselines' flags. */
export const SHAPE_KEYS = {
  items: 'items of the catalogue, N',
  sequence_length: 'window, S',
  embedding_dim: 'size of an embedding, D',
  blocks: 'transformer blocks',
  heads: 'attention heads, H',
  negs_per_pos: 'negatives for each positive, k',
  batch_size: 'sequences in a batch, B',
  gbce_t: 'calibration of the loss, t',
  dropout: 'share of activations dropped',
} as const;

export type ShapeKey = keyof typeof SHAPE_KEYS;
export type StepShape = Record<ShapeKey, number>;

const COMMON = { blocks: 2, heads: 1, negs_per_pos: 256, gbce_t: 0.75, dropout: 0.5 };

/** Catalogue and window of data sets on which gSASRec and its relatives are tested, with a model for each. */
export const SHAPES = {
  ml1m: { ...COMMON, items: 3416, sequence_length: 200, embedding_dim: 128, batch_size: 32 },
  beauty: { ...COMMON, items: 54_542, sequence_length: 50, embedding_dim: 64, batch_size: 128 },
  steam: { ...COMMON, items: 13_044, sequence_length: 200, embedding_dim: 128, batch_size: 128 },
} as const satisfies Record<string, StepShape>;

export type ShapeName = keyof typeof SHAPES;

/** How long their sequences are. */
export const LENGTHS: Record<ShapeName, readonly number[]> = { ml1m: ML1M, beauty: BEAUTY, steam: STEAM };

/** A shape in a few words, in the field's letters. */
export function stepText(name: string, shape: StepShape): string {
  const { items, sequence_length, embedding_dim, blocks, heads, negs_per_pos, batch_size, gbce_t, dropout } = shape;
  return `${name} B=${batch_size} S=${sequence_length} D=${embedding_dim} N=${items} k=${negs_per_pos} t=${gbce_t} blocks=${blocks} H=${heads} dropout=${dropout}`;
}

/** The flags that every implementation takes: --batch-size 32 and so on. */
export function shapeFlags(shape: StepShape): string[] {
  return Object.entries(shape).flatMap(([key, value]) => [`--${key.replaceAll('_', '-')}`, String(value)]);
}
