import { integers, normals } from '../../inputs.js';
import { CASE_RANDOM, defineOp } from '../../op.js';
import { negativesOf } from '../negatives/draw.js';
import { sampledGbce } from './index.js';
import { sampledGbceReference } from './reference.js';

/** `given`: the negatives are read, else drawn. */
interface Case {
  T: number;
  k: number;
  D: number;
  N: number;
  beta: number;
  given?: boolean;
}

export const sampledGbceOp = defineOp<Case>()({
  name: 'sampled_gbce',
  formula: 'mean over t of (beta softplus(-s+) + sum_j softplus(s_j)) / (k + 1), s = h[t] . table[id]',
  cases: [
    { T: 1, k: 1, D: 1, N: 1, beta: 1 },
    { T: 13, k: 3, D: 7, N: 5, beta: 0.3 },
    { T: 131, k: 64, D: 24, N: 101, beta: 0.31 },
    { T: 11, k: 257, D: 130, N: 67, beta: 0.8 },
    { T: 5, k: 33, D: 128, N: 1009, beta: 0.1, given: true },
    { T: 3, k: 1, D: 7, N: 11, beta: 1, given: true },
    { T: 9, k: 70, D: 32, N: 40_009, beta: 0.4 }, // beyond CACHED_BYTES, as the next
    { T: 5, k: 34, D: 19, N: 60_013, beta: 0.4, given: true },
  ],
  benchShapes: [
    { T: 3200, k: 256, D: 128, N: 3416, beta: 0.306 },
    { T: 2900, k: 32, D: 64, N: 3416, beta: 0.257 },
    { T: 1000, k: 256, D: 64, N: 54_542, beta: 0.254 },
  ],
  inputs: ({ T, k, D, N, given }, random) => ({
    h: normals(random, [T, D]),
    table: normals(random, [N + 2, D]),
    targets: integers(random, [T], 1, N),
    ...(given && { negatives: integers(random, [T, k], 1, N) }),
  }),
  differentiable: ['h', 'table'],
  terminal: true,
  run: (tape, { k, N, beta }, { h, table, targets, negatives }) => ({
    loss: sampledGbce(tape, h, table, targets, { beta, numItems: N, negatives: negatives ?? k }),
  }),
  reference: ({ T, k, D, N, beta }, { h, table, targets, negatives }) => ({
    loss: sampledGbceReference(h, table, targets, negatives ?? negativesOf(CASE_RANDOM, T, k, N), D, beta),
  }),
  cost: {
    forward: ({ T, k, D }) => ({ bytes: 4 * (T * (k + 1) * (D + 2) + 2 * T * D), flops: 4 * T * (k + 1) * D }),
    backward: ({ T, k, D, N }) => ({
      bytes: 4 * (T * (k + 1) * (D + 2) + 2 * T * D + N * D),
      flops: 2 * T * (k + 1) * D,
    }),
  },
});
