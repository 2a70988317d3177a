import { type Dropout, dropoutUniforms } from '../../engine/random.js';
import type { Tape } from '../../engine/tape.js';
import { checkShapes, type Tensor } from '../../engine/tensor.js';
import { contributeTensor, passGradient } from '../add/index.js';
import { cellsOf } from '../cells.js';
import { type ActivationName, backward, forward, WORKGROUP } from './shader.js';

export interface ActivationOptions {
  /** [T, D], what the activation is multiplied by: a sigmoid makes a gate of it, a SiLU a SwiGLU. */
  times?: Tensor | undefined;
  /** Element (t, d) is number `dropout4(t, d / 4)[d % 4]` of its site. */
  dropout?: Dropout | undefined;
  /** [T, D], added last. */
  residual?: Tensor | undefined;
}

/**
 * residual + dropout(f(x) * times), element by element, in one pass. f is `identity`, `sigmoid`, `silu` (x sigmoid(x)) or `gelu`,
 * the latter in its form by tanh.
 * @param x [T, D]
 * @returns [T, D]
 * @throws ShapeError when an axis disagrees
 */
export function activation(
  tape: Tape,
  name: ActivationName,
  x: Tensor,
  { times, dropout, residual }: ActivationOptions = {},
): Tensor {
  const { T, D } = checkShapes('activation', {
    x: [x, 'T', 'D'],
    ...(times && { times: [times, 'T', 'D'] as const }),
    ...(residual && { residual: [residual, 'T', 'D'] as const }),
  });
  const { stream } = tape;
  const random = dropout && dropoutUniforms(stream.random, dropout);
  const constants = { name, D, times: times !== undefined, dropout: random !== undefined };
  const workgroups = Math.ceil((T * cellsOf(D).count) / WORKGROUP);
  const y = stream.empty([T, D]);
  stream.dispatch(
    forward({ ...constants, residual: residual !== undefined }),
    { x, y, ...(times && { times }), ...(residual && { residual }), T, ...random },
    workgroups,
  );
  tape.record({
    inputs: [x, ...(times ? [times] : []), ...(residual ? [residual] : [])],
    outputs: [y],
    backward() {
      const dx = stream.empty([T, D]);
      const dtimes = times && stream.empty([T, D]);
      const operands = times && { times, dtimes: dtimes! };
      stream.dispatch(backward(constants), { x, dy: tape.gradient(y), dx, ...operands, T, ...random }, workgroups);
      contributeTensor(tape, x, dx);
      stream.release(dx);
      if (times) {
        contributeTensor(tape, times, dtimes!);
        stream.release(dtimes!);
      }
      if (residual) passGradient(tape, y, residual);
    },
  });
  return y;
}
