import { InputError } from '../../base/errors.js';
import type { Stream } from '../../engine/stream.js';
import { checkShapes, type Tensor } from '../../engine/tensor.js';
import { teamOf, teamWorkgroups } from '../team.js';
import { attentionWeightsShader } from './shader.js';

/**
 * How much each token counts for the last one of its sequence, per head: softmax(q k^T / sqrt(D / heads)).
 * @param q [Q, D] the queries of the last tokens
 * @param k [T, D]
 * @param spans [Q, 2] for each query the half-open range of its sequence's tokens; together they cover all T
 * @returns [H, T]
 * @throws ShapeError when an axis disagrees, InputError if D is not a multiple of `heads`
 */
export function attentionWeights(stream: Stream, q: Tensor, k: Tensor, spans: Tensor, heads: number): Tensor {
  const { Q, T, D } = checkShapes('attention_weights', { q: [q, 'Q', 'D'], k: [k, 'T', 'D'], spans: [spans, 'Q', 2] });
  if (D % heads !== 0) throw new InputError(`attention_weights: ${D} columns do not divide into ${heads} heads`);
  const team = teamOf(stream.gpu.capabilities);
  const weights = stream.empty([heads, T]);
  const shader = attentionWeightsShader({ heads, headSize: D / heads, team });
  stream.dispatch(shader, { q, k, spans, weights, Q, T }, teamWorkgroups(team, Q * heads));
  return weights;
}
