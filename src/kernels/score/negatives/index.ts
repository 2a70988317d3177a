import { CASE_RANDOM, type Op } from '../../../engine/kernel.js';
import type { Stream } from '../../../engine/stream.js';
import type { Tensor } from '../../../engine/tensor.js';
import { drawUniforms, negativesOf } from './draw.js';
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

export const negativesOp: Op<{ T: number; k: number; N: number }> = {
  name: 'negatives',
  formula: 'ids[t, j] = 1 + floor(N u / 2^32), u word j mod 4 of Philox((floor(j / 4), t, 0, 1), (seed, step))',
  cases: [
    { T: 1, k: 1, N: 1 },
    { T: 131, k: 3, N: 101 },
    { T: 7, k: 257, N: 1_000_003 },
  ],
  benchShapes: [{ T: 12800, k: 256, N: 3416 }],
  inputs: () => ({}),
  differentiable: [],
  run: ({ stream }, { T, k, N }) => ({ ids: drawNegatives(stream, T, k, N) }),
  reference: ({ T, k, N }) => ({ ids: negativesOf(CASE_RANDOM, T, k, N) }),
  forward: ({ T, k }) => ({ bytes: 4 * T * k, flops: 0 }),
};
