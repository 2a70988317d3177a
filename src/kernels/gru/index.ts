import { InputError } from '../../base/errors.js';
import type { Tape } from '../../engine/tape.js';
import { checkShapes, type Tensor } from '../../engine/tensor.js';
import { contributeTensor } from '../add/index.js';
import { cellsOf } from '../cells.js';
import { columnSumInto } from '../column_sum/index.js';
import { matmul } from '../matmul/index.js';
import { backward, forward, MOST_UNITS } from './shader.js';

export { MOST_UNITS };

/**
 * The recurrent part of a layer of gated recurrent units over ragged rows, as PyTorch's GRU: with i = `inputs`, u = weight h_{t-1} + bias, both in three
 * parts, and h = 0 before a sequence, r = sigmoid(i_r + u_r), z = sigmoid(i_z + u_z), n = tanh(i_n + r u_n), h_t = (1 - z) n + z h_{t-1}.
 * @param inputs [T, 3 D] the linear layer of the inputs, bias included
 * @param weight [3 D, D]
 * @param bias [3 D]
 * @param spans [T, 2] for each token the half-open range of its sequence's tokens; sequences lie one after the other
 * @returns [T, D] the state after each token
 * @throws ShapeError when an axis disagrees, InputError for a state of more than 1,024 units
 */
export function gru(tape: Tape, inputs: Tensor, weight: Tensor, bias: Tensor, spans: Tensor): Tensor {
  const D = weight.shape[1];
  const { T } = checkShapes('gru', {
    inputs: [inputs, 'T', 3 * D],
    weight: [weight, 3 * D, 'D'],
    bias: [bias, 3 * D],
    spans: [spans, 'T', 2],
  });
  if (D > MOST_UNITS) throw new InputError(`gru: ${D} units are too many; at most ${MOST_UNITS} fit workgroup memory`);
  const { stream } = tape;
  const sizes = { T, units: D, cells: cellsOf(D).count };
  const y = stream.empty([T, D]);
  const gates = stream.empty([T, 4 * D]);
  stream.dispatch(forward({ D }), { spans, inputs, weight, bias, y, gates, ...sizes }, T);
  tape.record({
    inputs: [inputs, weight, bias],
    outputs: [y],
    saved: [gates],
    backward() {
      const dinputs = stream.empty([T, 3 * D]);
      const drecurrent = stream.empty([T, 3 * D]);
      const before = stream.empty([T, D]);
      const written = { dinputs, drecurrent, before };
      stream.dispatch(backward({ D }), { spans, weight, gates, y, dy: tape.gradient(y), ...written, ...sizes }, T);
      tape.contribute(weight, (out, add) => matmul(stream, { a: drecurrent, transposeA: true, b: before, out, add }));
      tape.contribute(bias, (out, add) => columnSumInto(stream, drecurrent, out, add));
      contributeTensor(tape, inputs, dinputs);
      for (const tensor of [dinputs, drecurrent, before]) stream.release(tensor);
    },
  });
  return y;
}
