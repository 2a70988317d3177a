import type { Stream } from '../../../engine/stream.js';
import type { Tensor } from '../../../engine/tensor.js';
import type { Candidates } from '../sampler.js';
import { draw, WORKGROUP } from './shader.js';

/**
 * The candidates that a kernel would draw for itself, in memory: for code that needs them there, and for tests of a sampler's distribution.
 * @param T tokens
 * @param W columns; those from k on are 0, which is no item
 * @param shared all tokens have the candidates of the whole batch's first
 * @returns [T, W] u32
 */
export function drawCandidates(
  stream: Stream,
  candidates: Candidates,
  T: number,
  { W = candidates.k, shared = false }: { W?: number; shared?: boolean } = {},
): Tensor {
  const { sampler, k } = candidates;
  const ids = stream.empty([T, W], 'u32');
  const random = shared ? { ...stream.random, first: 0 } : stream.random;
  const args = { ids, T, k, W, ...candidates.args(random) };
  stream.dispatch(draw({ sampler: sampler.name, shared }), args, Math.ceil((T * Math.ceil(W / 4)) / WORKGROUP));
  return ids;
}
