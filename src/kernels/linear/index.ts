import { type Dropout, dropoutUniforms } from '../../engine/random.js';
import type { Tape } from '../../engine/tape.js';
import { checkShapes, type Tensor } from '../../engine/tensor.js';
import { add, passGradient } from '../add/index.js';
import { cellsOf } from '../cells.js';
import { columnSumInto } from '../column_sum/index.js';
import { matmul } from '../matmul/index.js';
import { maskShader } from './shader.js';

export interface LinearOptions {
  relu?: boolean;
  /** Element (t, n) is number `dropout4(t, n / 4)[n % 4]` of its site. */
  dropout?: Dropout | undefined;
  /** [T, N], added last. */
  residual?: Tensor;
}

const WORKGROUP = 64;

/**
 * residual + dropout(relu(x W^T + bias)) in one pass.
 * @param x [T, K]
 * @param weight [N, K], as PyTorch keeps it
 * @param bias [N]; undefined for none
 * @returns [T, N]
 * @throws ShapeError when an axis disagrees
 */
export function linear(
  tape: Tape,
  x: Tensor,
  weight: Tensor,
  bias: Tensor | undefined,
  options: LinearOptions = {},
): Tensor {
  const { relu = false, residual } = options;
  const { T, N } = checkShapes('linear', {
    x: [x, 'T', 'K'],
    weight: [weight, 'N', 'K'],
    ...(bias && { bias: [bias, 'N'] }),
    ...(residual && { residual: [residual, 'T', 'N'] }),
  });
  if (relu && residual) {
    // The ReLU's mask is derived from its output, which a fused residual would hide.
    const { residual: _, ...rest } = options;
    return add(tape, linear(tape, x, weight, bias, rest), residual);
  }
  const { stream } = tape;
  const dropout = options.dropout?.rate ? { ...options.dropout, random: { ...stream.random } } : undefined;
  const y = stream.empty([T, N]);
  matmul(stream, { a: x, b: weight, transposeB: true, out: y, epilogue: { bias, relu, dropout, residual } });
  tape.record({
    inputs: [x, weight, ...(bias ? [bias] : []), ...(residual ? [residual] : [])],
    outputs: [y],
    backward() {
      const dy = tape.gradient(y);
      const dm = relu || dropout ? stream.empty([T, N]) : dy;
      if (dm !== dy) {
        const { count, ...cell } = cellsOf(N);
        stream.dispatch(
          maskShader({ workgroup: WORKGROUP, cell, relu, dropout: dropout !== undefined }),
          { dy, masked: dm, T, N, ...(relu && { y }), ...(dropout && dropoutUniforms(dropout.random, dropout)) },
          Math.ceil((T * count) / WORKGROUP),
        );
      }
      tape.contribute(x, (out, add) => matmul(stream, { a: dm, b: weight, out, add }));
      tape.contribute(weight, (out, add) => matmul(stream, { a: dm, transposeA: true, b: x, out, add }));
      if (bias) tape.contribute(bias, (out, add) => columnSumInto(stream, dm, out, add));
      if (dm !== dy) stream.release(dm);
      if (residual) passGradient(tape, y, residual);
    },
  });
  return y;
}
