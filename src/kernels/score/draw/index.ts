import type { Stream } from '../../../engine/stream.js';
import type { Tensor } from '../../../engine/tensor.js';
import type { Candidates } from '../sampler.js';
import { draw, WORKGROUP } from './shader.js';

/**
 * The candidates that a kernel would draw for itself, in memory: for code that needs them there, and for tests of a sampler's distribution.
 * @param T tokens
 * @returns [T, k] u32
 */
export function drawCandidates(stream: Stream, candidates: Candidates, T: number): Tensor {
  const { sampler, k } = candidates;
  const ids = stream.empty([T, k], 'u32');
  const args = { ids, T, k, ...candidates.args(stream.random) };
  stream.dispatch(draw({ sampler: sampler.name }), args, Math.ceil((T * Math.ceil(k / 4)) / WORKGROUP));
  return ids;
}
