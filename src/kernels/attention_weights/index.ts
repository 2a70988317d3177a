import { InputError } from '../../base/errors.js';
import type { Op } from '../../engine/kernel.js';
import type { Stream } from '../../engine/stream.js';
import { checkShapes, type Tensor } from '../../engine/tensor.js';
import { normals, spansOf } from '../inputs.js';
import { teamGroups, teamOf } from '../team.js';
import { attentionWeightsReference } from './reference.js';
import { attentionWeightsShader } from './shader.js';

/**
 * How much each token counts for the last one of its sequence, per head: softmax(q k^T / sqrt(D / heads)).
 * @param q [Q, D] the queries of the last tokens
 * @param k [T, D]
 * @param spans [Q, 2] for each query the half-open range of its sequence's tokens; together they cover all T
 * @returns [H, T]
 * @throws ShapeError when an axis disagrees, InputError when D is no multiple of `heads`
 */
export function attentionWeights(stream: Stream, q: Tensor, k: Tensor, spans: Tensor, heads: number): Tensor {
  const { Q, T, D } = checkShapes('attention_weights', { q: [q, 'Q', 'D'], k: [k, 'T', 'D'], spans: [spans, 'Q', 2] });
  if (D % heads !== 0) throw new InputError(`attention_weights: ${D} columns do not divide into ${heads} heads`);
  const team = teamOf(stream.gpu.capabilities);
  const weights = stream.empty([heads, T]);
  const shader = attentionWeightsShader({ heads, headSize: D / heads, team });
  stream.dispatch(shader, { q, k, spans, weights, Q, T }, teamGroups(team, Q * heads));
  return weights;
}

interface Case {
  lengths: number[];
  D: number;
  heads: number;
}

const total = (lengths: readonly number[]) => lengths.reduce((sum, n) => sum + n, 0);

export const attentionWeightsOp: Op<Case> = {
  name: 'attention_weights',
  formula: 'softmax(q k^T / sqrt(D / heads)) of the last token of each sequence (Vaswani et al. 2017, eq. 1)',
  cases: [
    { lengths: [1], D: 1, heads: 1 },
    { lengths: [3, 1, 7], D: 15, heads: 3 },
    { lengths: [131, 2, 40], D: 8, heads: 2 },
  ],
  benchShapes: [{ lengths: Array(32).fill(100), D: 128, heads: 1 }],
  inputs: ({ lengths, D }, random) => {
    const all = spansOf(lengths).data;
    const last = lengths.map((_, i) => total(lengths.slice(0, i + 1)) - 1);
    return {
      q: normals(random, [lengths.length, D]),
      k: normals(random, [total(lengths), D]),
      spans: {
        shape: [lengths.length, 2],
        data: Uint32Array.from(last.flatMap((t) => [all[2 * t], all[2 * t + 1]])),
      },
    };
  },
  differentiable: [],
  run: ({ stream }, { heads }, { q, k, spans }) => ({ weights: attentionWeights(stream, q!, k!, spans!, heads) }),
  reference: ({ lengths, D, heads }, { q, k, spans }) => ({
    weights: attentionWeightsReference(q as Float64Array, k as Float64Array, spans as Uint32Array, {
      T: total(lengths),
      D,
      heads,
    }),
  }),
  forward: ({ lengths, D, heads }) => ({
    bytes: 4 * (total(lengths) * (D + 3 * heads) + lengths.length * D),
    flops: 2 * total(lengths) * D,
  }),
};
