import type { Stream } from '../../../engine/stream.js';
import type { Tensor } from '../../../engine/tensor.js';
import { drawUniforms } from './draw.js';
import { draw, WORKGROUP } from './shader.js';

/**
 * Negatives uniform on 1 … numItems, independent of each other and of the positives, as gSASRec samples them (Petrov and Macdonald,
 * RecSys 2023). A function of the stream's (seed, step), the token and the slot, so that any kernel can draw them again.
 * @returns [T, k] u32
 */
export function drawNegatives(stream: Stream, T: number, k: number, numItems: number): Tensor {
  const ids = stream.empty([T, k], 'u32');
  const args = { ids, T, k, items: numItems, ...drawUniforms(stream.random) };
  stream.dispatch(draw({}), args, Math.ceil((T * Math.ceil(k / 4)) / WORKGROUP));
  return ids;
}
