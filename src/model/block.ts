import type { Dropout } from '../engine/random.js';
import type { Tape } from '../engine/tape.js';
import type { Tensor } from '../engine/tensor.js';
import { attention } from '../kernels/attention/index.js';
import { gather } from '../kernels/gather/index.js';
import { layerNorm } from '../kernels/layer_norm/index.js';
import { linear } from '../kernels/linear/index.js';

/** The dropouts of one block: on the attention weights and behind either dense layer. */
export interface BlockDropouts {
  attention: Dropout;
  dense1: Dropout;
  dense2: Dropout;
}

/** The sequences' last tokens, where only what comes next is asked for. */
export interface LastTokens {
  /** [Q] indices of the tokens */
  tokens: Tensor;
  /** [Q, 2] their sequences */
  spans: Tensor;
  /** Is shown the last block's queries [Q, D] and keys [T, D]. */
  inspect?: ((q: Tensor, k: Tensor) => void) | undefined;
}

/**
 * SASRec's transformer block as the official port has it: the query comes from the normalised input, key and value from the input
 * itself, and the residual is the *normalised* input; there is no output projection.
 * @param x [T, D]
 * @param spans [T, 2] each token's sequence
 * @param parameter a parameter of this block by its name
 * @param dropouts left out: no dropout
 * @param last left out: all tokens. Keys and values are taken from all of them in any case
 * @returns [T, D], with `last` [Q, D]
 */
export function transformerBlock(
  tape: Tape,
  x: Tensor,
  spans: Tensor,
  parameter: (name: string) => Tensor,
  heads: number,
  dropouts?: BlockDropouts,
  last?: LastTokens,
): Tensor {
  const norm = (name: string, input: Tensor) =>
    layerNorm(tape, input, parameter(`${name}.weight`), parameter(`${name}.bias`));
  const dense = (name: string, input: Tensor, options: Parameters<typeof linear>[4] = {}) =>
    linear(tape, input, parameter(`${name}.weight`), parameter(`${name}.bias`), options);

  const normalised = norm('first_norm', last ? gather(tape, x, last.tokens) : x);
  const q = dense('multihead_attention.query_proj', normalised);
  const k = dense('multihead_attention.key_proj', x);
  const v = dense('multihead_attention.val_proj', x);
  last?.inspect?.(q, k);
  const attended = attention(tape, q, k, v, last?.spans ?? spans, {
    heads,
    last: last !== undefined,
    residual: normalised,
    ...(dropouts && { dropout: dropouts.attention }),
  });
  const z = norm('second_norm', attended);
  const inner = dense('dense1', z, { relu: true, ...(dropouts && { dropout: dropouts.dense1 }) });
  return dense('dense2', inner, { residual: z, ...(dropouts && { dropout: dropouts.dense2 }) });
}
