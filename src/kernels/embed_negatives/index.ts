import { CASE_RANDOM, type Op } from '../../engine/kernel.js';
import type { Tape } from '../../engine/tape.js';
import { checkShapes, type Tensor } from '../../engine/tensor.js';
import { gather } from '../gather/index.js';
import { gatherReference } from '../gather/reference.js';
import { normals } from '../inputs.js';
import { negativesOf } from '../score/negatives/draw.js';
import { drawNegatives } from '../score/negatives/index.js';

/**
 * The rows of freshly drawn negatives: the unfused way, whose [T, k, D] `sampledGbce` never makes. It is here to be compared with.
 * @param table [N + 2, D]
 * @param T tokens
 * @param k negatives a token
 * @returns [T, k, D]
 * @throws ShapeError when the table is no matrix
 */
export function embedNegatives(tape: Tape, table: Tensor, T: number, k: number): Tensor {
  const { R } = checkShapes('embed_negatives', { table: [table, 'R', 'D'] });
  const ids = drawNegatives(tape.stream, T, k, R - 2);
  const rows = gather(tape, table, ids);
  tape.stream.release(ids);
  return rows;
}

export const embedNegativesOp: Op<{ T: number; k: number; N: number; D: number }> = {
  name: 'embed_negatives',
  formula: 'y[t, j] = table[ids[t, j]], ids[t, j] uniform on 1 … N',
  cases: [
    { T: 1, k: 1, N: 1, D: 1 },
    { T: 13, k: 3, N: 29, D: 7 },
    { T: 5, k: 65, N: 11, D: 24 },
  ],
  benchShapes: [{ T: 800, k: 256, N: 3416, D: 128 }],
  inputs: ({ N, D }, random) => ({ table: normals(random, [N + 2, D]) }),
  differentiable: ['table'],
  run: (tape, { T, k }, { table }) => ({ y: embedNegatives(tape, table!, T, k) }),
  reference: ({ T, k, N, D }, { table }) => ({
    y: gatherReference(table as Float64Array, negativesOf(CASE_RANDOM, T, k, N), D),
  }),
  forward: ({ T, k, D }) => ({ bytes: 4 * T * k * (2 * D + 2), flops: 0 }),
  backward: ({ T, k, N, D }) => ({ bytes: 4 * D * (T * k + N), flops: T * k * D }),
};
