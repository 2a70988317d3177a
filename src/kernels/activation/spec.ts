import { type Dropout, dropoutFactor } from '../../engine/random.js';
import { normals } from '../inputs.js';
import { CASE_RANDOM, defineOp } from '../op.js';
import { activation } from './index.js';
import type { ActivationName } from './shader.js';

interface Case {
  name: ActivationName;
  T: number;
  D: number;
  times?: boolean;
  dropout?: Dropout;
  residual?: boolean;
}

/** The activations in float64. */
export const ACTIVATIONS: Readonly<Record<ActivationName, (x: number) => number>> = {
  identity: (x) => x,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  silu: (x) => x / (1 + Math.exp(-x)),
  gelu: (x) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
};

export const activationOp = defineOp<Case>()({
  name: 'activation',
  formula:
    'y = residual + dropout(f(x) times); f is the identity, sigmoid, SiLU (with times: SwiGLU, Shazeer 2020, eq. 5) or GELU (Hendrycks and Gimpel 2016, by tanh)',
  cases: [
    { name: 'identity', T: 19, D: 8, dropout: { rate: 0.4, site: 1 } },
    { name: 'sigmoid', T: 1, D: 1 },
    { name: 'sigmoid', T: 67, D: 24, times: true, residual: true, dropout: { rate: 0.3, site: 4 } },
    { name: 'silu', T: 37, D: 7, times: true, dropout: { rate: 0.5, site: 2 } },
    { name: 'silu', T: 31, D: 130, times: true },
    { name: 'gelu', T: 65, D: 36, dropout: { rate: 0.2, site: 3 } },
    { name: 'gelu', T: 9, D: 5, residual: true },
  ],
  benchShapes: [
    { name: 'sigmoid', T: 12800, D: 128, times: true, residual: true, dropout: { rate: 0.5, site: 1 } },
    { name: 'silu', T: 12800, D: 512, times: true, dropout: { rate: 0.5, site: 1 } },
  ],
  inputs: ({ T, D, times, residual }, random) => ({
    x: normals(random, [T, D], 3),
    ...(times && { times: normals(random, [T, D]) }),
    ...(residual && { residual: normals(random, [T, D]) }),
  }),
  differentiable: ['x', 'times', 'residual'],
  run: (tape, { name, dropout }, { x, times, residual }) => ({
    y: activation(tape, name, x, { times, dropout, residual }),
  }),
  reference: ({ name, D, dropout }, { x, times, residual }) => ({
    y: x.map((value, i) => {
      const factor = dropout ? dropoutFactor(CASE_RANDOM, dropout, Math.floor(i / D), i % D) : 1;
      return ACTIVATIONS[name](value) * (times?.[i] ?? 1) * factor + (residual?.[i] ?? 0);
    }),
  }),
  cost: {
    forward: ({ T, D, times, residual }) => ({
      bytes: 4 * T * D * (2 + (times ? 1 : 0) + (residual ? 1 : 0)),
      flops: 8 * T * D,
    }),
    backward: ({ T, D, times }) => ({ bytes: 4 * T * D * (times ? 5 : 3), flops: 16 * T * D }),
  },
});
