import { type Dropout, dropoutFactor } from '../../engine/random.js';
import { normals } from '../inputs.js';
import { CASE_RANDOM, defineOp } from '../op.js';
import { linear } from './index.js';
import { linearReference } from './reference.js';

interface Case {
  T: number;
  N: number;
  K: number;
  /** Without a bias. */
  bare?: boolean;
  relu?: boolean;
  dropout?: Dropout;
  /** x itself is the residual, so N = K, and its gradient is the sum over both paths. */
  residual?: boolean;
}

export const linearOp = defineOp<Case>()({
  name: 'linear',
  formula: 'y = residual + dropout(relu(x W^T + bias)) (Vaswani et al. 2017, sections 3.3 and 5.4)',
  cases: [
    { T: 1, N: 1, K: 1 },
    { T: 67, N: 24, K: 31, relu: true },
    { T: 31, N: 7, K: 13, dropout: { rate: 0.5, site: 3 } },
    { T: 37, N: 24, K: 24, dropout: { rate: 0.2, site: 1 }, residual: true },
    { T: 65, N: 36, K: 8, relu: true, dropout: { rate: 0.5, site: 2 } },
    { T: 9, N: 6, K: 6, relu: true, dropout: { rate: 0.3, site: 9 }, residual: true },
    { T: 600, N: 65, K: 3 },
    { T: 67, N: 7, K: 7, residual: true },
    { T: 33, N: 12, K: 5, bare: true },
  ],
  benchShapes: [
    { T: 3200, N: 128, K: 128 },
    { T: 3200, N: 128, K: 128, relu: true, dropout: { rate: 0.5, site: 1 } },
    { T: 12800, N: 128, K: 128, dropout: { rate: 0.5, site: 1 }, residual: true },
  ],
  inputs: ({ T, N, K, bare }, random) => ({
    x: normals(random, [T, K]),
    weight: normals(random, [N, K], 1 / Math.sqrt(K)),
    ...(!bare && { bias: normals(random, [N]) }),
  }),
  differentiable: ['x', 'weight', 'bias'],
  run: (tape, { relu, dropout, residual }, { x, weight, bias }) => ({
    y: linear(tape, x, weight, bias, {
      ...(relu && { relu }),
      ...(dropout && { dropout }),
      ...(residual && { residual: x }),
    }),
  }),
  reference: (shape, { x, weight, bias }) => ({
    y: linearReference({ x, weight, bias, residual: shape.residual ? x : undefined }, shape, (t, n) =>
      shape.dropout ? dropoutFactor(CASE_RANDOM, shape.dropout, t, n) : 1,
    ),
  }),
  cost: {
    forward: ({ T, N, K, residual }) => ({
      bytes: 4 * (T * K + N * K + N + (residual ? 2 : 1) * T * N),
      flops: 2 * T * N * K,
    }),
    backward: ({ T, N, K, relu, dropout }) => ({
      bytes: 4 * (2 * T * K + 2 * N * K + N + (relu || dropout ? 3 : 1) * T * N),
      flops: 4 * T * N * K,
    }),
  },
});
