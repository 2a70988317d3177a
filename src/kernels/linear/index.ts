import { CASE_RANDOM, type Op } from '../../engine/kernel.js';
import { type Dropout, dropoutFactor, dropoutUniforms } from '../../engine/random.js';
import type { Tape } from '../../engine/tape.js';
import { checkShapes, type Tensor } from '../../engine/tensor.js';
import { add, passGradient } from '../add/index.js';
import { columnSumInto } from '../column_sum/index.js';
import { normals } from '../inputs.js';
import { matmul } from '../matmul/index.js';
import { linearReference } from './reference.js';
import { maskShader } from './shader.js';

export interface LinearOptions {
  relu?: boolean;
  /** Element (t, n) is number `dropout4(t, n / 4)[n % 4]` of its site. */
  dropout?: Dropout;
  /** [T, N], added last. */
  residual?: Tensor;
}

const WORKGROUP = 64;

/**
 * residual + dropout(relu(x W^T + bias)) in one pass.
 * @param x [T, K]
 * @param weight [N, K], as PyTorch keeps it
 * @param bias [N]
 * @returns [T, N]
 * @throws ShapeError when an axis disagrees
 */
export function linear(tape: Tape, x: Tensor, weight: Tensor, bias: Tensor, options: LinearOptions = {}): Tensor {
  const { relu = false, residual } = options;
  const { T, N } = checkShapes('linear', {
    x: [x, 'T', 'K'],
    weight: [weight, 'N', 'K'],
    bias: [bias, 'N'],
    ...(residual && { residual: [residual, 'T', 'N'] }),
  });
  if (relu && residual) {
    // The mask of the ReLU is read off its output, which a fused residual would hide.
    const { residual: _, ...rest } = options;
    return add(tape, linear(tape, x, weight, bias, rest), residual);
  }
  const { stream } = tape;
  const dropout = options.dropout?.rate ? { ...options.dropout, random: { ...stream.random } } : undefined;
  const y = stream.empty([T, N]);
  matmul(stream, { a: x, b: weight, transposeB: true, out: y, epilogue: { bias, relu, dropout, residual } });
  tape.record({
    inputs: [x, weight, bias, ...(residual ? [residual] : [])],
    outputs: [y],
    backward() {
      const dy = tape.gradient(y);
      const dm = relu || dropout ? stream.empty([T, N]) : dy;
      if (dm !== dy) {
        const columns = N % 4 === 0 ? 4 : 1;
        stream.dispatch(
          maskShader({ workgroup: WORKGROUP, columns, relu, dropout: dropout !== undefined }),
          { dy, masked: dm, T, N, ...(relu && { y }), ...(dropout && dropoutUniforms(dropout.random, dropout)) },
          Math.ceil((T * N) / columns / WORKGROUP),
        );
      }
      tape.contribute(x, (out, add) => matmul(stream, { a: dm, b: weight, out, add }));
      tape.contribute(weight, (out, add) => matmul(stream, { a: dm, transposeA: true, b: x, out, add }));
      tape.contribute(bias, (out, add) => columnSumInto(stream, dm, out, add));
      if (dm !== dy) stream.release(dm);
      if (residual) passGradient(tape, y, residual);
    },
  });
  return y;
}

interface Case {
  T: number;
  N: number;
  K: number;
  relu?: boolean;
  dropout?: Dropout;
  /** x itself is the residual, so N = K: its gradient is then the sum of both ways. */
  residual?: boolean;
}

export const linearOp: Op<Case> = {
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
  ],
  benchShapes: [
    { T: 3200, N: 128, K: 128 },
    { T: 3200, N: 128, K: 128, relu: true, dropout: { rate: 0.5, site: 1 } },
    { T: 12800, N: 128, K: 128, dropout: { rate: 0.5, site: 1 }, residual: true },
  ],
  inputs: ({ T, N, K }, random) => ({
    x: normals(random, [T, K]),
    weight: normals(random, [N, K], 1 / Math.sqrt(K)),
    bias: normals(random, [N]),
  }),
  differentiable: ['x', 'weight', 'bias'],
  run: (tape, { relu, dropout, residual }, { x, weight, bias }) => ({
    y: linear(tape, x!, weight!, bias!, {
      ...(relu && { relu }),
      ...(dropout && { dropout }),
      ...(residual && { residual: x! }),
    }),
  }),
  reference: (shape, { x, weight, bias }) => ({
    y: linearReference(
      {
        x: x as Float64Array,
        weight: weight as Float64Array,
        bias: bias as Float64Array,
        residual: shape.residual ? (x as Float64Array) : undefined,
      },
      shape,
      (t, n) => (shape.dropout ? dropoutFactor(CASE_RANDOM, shape.dropout, t, n) : 1),
    ),
  }),
  forward: ({ T, N, K, residual }) => ({
    bytes: 4 * (T * K + N * K + N + (residual ? 2 : 1) * T * N),
    flops: 2 * T * N * K,
  }),
  backward: ({ T, N, K, relu, dropout }) => ({
    bytes: 4 * (2 * T * K + 2 * N * K + N + (relu || dropout ? 3 : 1) * T * N),
    flops: 4 * T * N * K,
  }),
};
