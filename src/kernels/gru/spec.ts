import { normals, spansOf } from '../inputs.js';
import { defineOp } from '../op.js';
import { gru } from './index.js';
import { gruReference } from './reference.js';

interface Case {
  lengths: readonly number[];
  D: number;
}

const tokens = ({ lengths }: Case) => lengths.reduce((sum, length) => sum + length, 0);

export const gruOp = defineOp<Case>()({
  name: 'gru',
  formula:
    'h_t = (1 - z) n + z h_{t-1}, r, z = sigmoid(i + U h_{t-1} + b), n = tanh(i_n + r (U_n h_{t-1} + b_n)) (Cho et al. 2014)',
  cases: [
    { lengths: [1], D: 1 },
    { lengths: [3, 1, 7], D: 5 },
    { lengths: [13, 2, 29], D: 24 },
    { lengths: [4, 9], D: 67 },
    { lengths: [6, 1, 3], D: 72 },
  ],
  benchShapes: [{ lengths: Array(32).fill(100), D: 128 }],
  inputs: ({ lengths, D }, random) => {
    const spans = spansOf(lengths);
    return {
      inputs: normals(random, [spans.shape[0], 3 * D]),
      weight: normals(random, [3 * D, D], 1 / Math.sqrt(D)),
      bias: normals(random, [3 * D]),
      spans,
    };
  },
  differentiable: ['inputs', 'weight', 'bias'],
  run: (tape, _, { inputs, weight, bias, spans }) => ({ y: gru(tape, inputs, weight, bias, spans) }),
  reference: ({ D }, { inputs, weight, bias, spans }) => ({ y: gruReference(inputs, weight, bias, spans, D) }),
  cost: {
    forward: (shape) => ({
      bytes: 4 * (8 * tokens(shape) * shape.D + 3 * shape.D ** 2),
      flops: 6 * tokens(shape) * shape.D ** 2,
    }),
    backward: (shape) => ({
      bytes: 4 * (20 * tokens(shape) * shape.D + 6 * shape.D ** 2),
      flops: 12 * tokens(shape) * shape.D ** 2,
    }),
  },
});
