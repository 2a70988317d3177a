import { normals } from '../inputs.js';
import { defineOp } from '../op.js';
import { matmul, type Transposed } from './index.js';
import { matmulReference } from './reference.js';

interface Case extends Transposed {
  M: number;
  N: number;
  K: number;
  add?: boolean;
}

export const matmulOp = defineOp<Case>()({
  name: 'matmul',
  formula: 'out = op(a) op(b), op(x) being x or its transpose',
  cases: [
    { M: 1, N: 1, K: 1 },
    { M: 3, N: 7, K: 31 },
    { M: 65, N: 130, K: 257 },
    { M: 31, N: 64, K: 130, add: true },
    { M: 1, N: 1, K: 1, transposeA: true },
    { M: 130, N: 65, K: 7, transposeA: true },
    { M: 7, N: 12, K: 1601, transposeA: true },
    { M: 31, N: 3, K: 1601, transposeA: true, add: true },
    { M: 7, N: 1, K: 3, transposeB: true },
    { M: 257, N: 31, K: 65, transposeB: true, add: true },
    { M: 1, N: 260, K: 128, transposeB: true },
    { M: 3, N: 130, K: 31, transposeA: true, transposeB: true },
  ],
  benchShapes: [
    { M: 3200, N: 128, K: 128, transposeB: true },
    { M: 12800, N: 128, K: 128, transposeB: true },
    { M: 128, N: 128, K: 3200, transposeA: true },
    { M: 512, N: 3416, K: 128, transposeB: true },
  ],
  inputs: ({ M, N, K, transposeA, transposeB }, random) => ({
    a: normals(random, transposeA ? [K, M] : [M, K]),
    b: normals(random, transposeB ? [N, K] : [K, N]),
    before: normals(random, [M, N]),
  }),
  differentiable: [],
  run: ({ stream }, { M, N, K: _, ...options }, { a, b, before }) => {
    const out = stream.empty([M, N]);
    if (options.add) stream.copy(before, out);
    matmul(stream, { a, b, out, ...options });
    return { out };
  },
  reference: ({ M, N, K, add, ...options }, { a, b, before }) => {
    const out = matmulReference(a, b, M, N, K, options);
    return { out: add ? out.map((value, i) => value + before[i]) : out };
  },
  cost: {
    forward: ({ M, N, K, add }) => ({ bytes: 4 * (M * K + K * N + (add ? 2 : 1) * M * N), flops: 2 * M * N * K }),
  },
});
