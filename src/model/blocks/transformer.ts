import type { Dropout } from '../../engine/random.js';
import { tableOf } from '../../engine/table.js';
import type { Tape } from '../../engine/tape.js';
import type { Tensor } from '../../engine/tensor.js';
import { attention } from '../../kernels/attention/index.js';
import { gather } from '../../kernels/gather/index.js';
import { layerNorm } from '../../kernels/layer_norm/index.js';
import { linear } from '../../kernels/linear/index.js';
import type { LastTokens, ParameterSpec } from '../architecture.js';
import { ONES, uniform, ZEROS } from '../initialisers.js';

/** Receives a block's queries, [T, D] or with `last` [Q, D], and keys [T, D]. */
export type Inspect = (q: Tensor, k: Tensor) => void;

export interface TransformerBlockOptions {
  heads: number;
  /** On the attention weights and after each dense layer; undefined for none. */
  dropouts: Record<'attention' | 'dense1' | 'dense2', Dropout | undefined>;
  /** Compute only these tokens. Keys and values still come from all tokens. */
  last?: LastTokens | undefined;
  inspect?: Inspect | undefined;
}

/** The parameters of a block, by name, in the official port's order. Linear weights are [out, in]. */
export function transformerBlockParameters(prefix: string, D: number): [name: string, ParameterSpec][] {
  const norm = (name: string): [string, ParameterSpec][] => [
    [`${prefix}.${name}.weight`, { shape: [D], initialiser: ONES }],
    [`${prefix}.${name}.bias`, { shape: [D], initialiser: ZEROS }],
  ];
  const dense = (name: string): [string, ParameterSpec][] => [
    [`${prefix}.${name}.weight`, { shape: [D, D], initialiser: uniform(D) }],
    [`${prefix}.${name}.bias`, { shape: [D], initialiser: uniform(D) }],
  ];
  const projections = ['query_proj', 'key_proj', 'val_proj'].map((name) => `multihead_attention.${name}`);
  return [...['first_norm', 'second_norm'].flatMap(norm), ...[...projections, 'dense1', 'dense2'].flatMap(dense)];
}

/**
 * SASRec's transformer block as in the official port: the query comes from the normalised input, key and value come from the input itself, and the
 * residual is the *normalised* input. There is no output projection.
 * @param x [T, D]
 * @param spans [T, 2] each token's sequence
 * @param parameter a parameter of this block by its name
 * @returns [T, D], with `last` [Q, D]
 */
export function transformerBlock(
  tape: Tape,
  x: Tensor,
  spans: Tensor,
  parameter: (name: string) => Tensor,
  { heads, dropouts, last, inspect }: TransformerBlockOptions,
): Tensor {
  const norm = (name: string, input: Tensor) =>
    layerNorm(tape, input, parameter(`${name}.weight`), parameter(`${name}.bias`));
  const dense = (name: string, input: Tensor, options: Parameters<typeof linear>[4] = {}) =>
    linear(tape, input, parameter(`${name}.weight`), parameter(`${name}.bias`), options);

  const normalised = norm('first_norm', last ? gather(tape, tableOf(x), last.tokens) : x);
  const q = dense('multihead_attention.query_proj', normalised);
  const k = dense('multihead_attention.key_proj', x);
  const v = dense('multihead_attention.val_proj', x);
  inspect?.(q, k);
  const attended = attention(tape, q, k, v, last?.spans ?? spans, {
    heads,
    last: last !== undefined,
    residual: normalised,
    dropout: dropouts.attention,
  });
  const z = norm('second_norm', attended);
  const inner = dense('dense1', z, { relu: true, dropout: dropouts.dense1 });
  return dense('dense2', inner, { residual: z, dropout: dropouts.dense2 });
}
