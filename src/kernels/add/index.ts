import type { Stream } from '../../engine/stream.js';
import type { Tape } from '../../engine/tape.js';
import { checkShapes, sizeOf, type Tensor } from '../../engine/tensor.js';
import { cellsOf } from '../cells.js';
import { addInPlace } from './shader.js';

const WORKGROUP = 64;

/** y += x for tensors of one size. */
export function addInto(stream: Stream, x: Tensor, y: Tensor): void {
  const { type, count } = cellsOf(sizeOf(y.shape));
  stream.dispatch(addInPlace({ workgroup: WORKGROUP, cell: type }), { x, y, count }, Math.ceil(count / WORKGROUP));
}

/**
 * Passes dL/d(from) on to `to` unchanged, as a residual connection does. If `to` has no gradient yet, both share the buffer, so this must come last in a
 * backward.
 */
export function passGradient(tape: Tape, from: Tensor, to: Tensor): void {
  contributeTensor(tape, to, tape.gradient(from));
}

/**
 * Gives the tape a share of dL/d(input) that is a tensor already. If `input` has no gradient yet, the share becomes its gradient, so nothing else may
 * still have to read the share.
 */
export function contributeTensor(tape: Tape, input: Tensor, share: Tensor): void {
  if (!tape.adopt(input, share)) tape.contribute(input, (out) => addInto(tape.stream, share, out));
}

/**
 * a + b.
 * @param a [T, D]
 * @param b [T, D]
 * @returns [T, D]
 * @throws ShapeError when an axis disagrees
 */
export function add(tape: Tape, a: Tensor, b: Tensor): Tensor {
  checkShapes('add', { a: [a, 'T', 'D'], b: [b, 'T', 'D'] });
  const { stream } = tape;
  const y = stream.empty(a.shape);
  stream.copy(a, y);
  addInto(stream, b, y);
  tape.record({
    inputs: [a, b],
    outputs: [y],
    backward() {
      const dy = tape.gradient(y);
      tape.contribute(a, (da, accumulate) => (accumulate ? addInto(stream, dy, da) : stream.copy(dy, da)));
      passGradient(tape, y, b);
    },
  });
  return y;
}
