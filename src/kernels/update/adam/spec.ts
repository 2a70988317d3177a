import { normals, squares } from '../../inputs.js';
import { defineOp } from '../../op.js';
import { adam } from './index.js';
import { adamReference } from './reference.js';

/** PyTorch's. */
export const ADAM_DEFAULTS = { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8 };

export const adamOp = defineOp<{ rows: number; columns: number; step: number; lr?: number }>()({
  name: 'adam',
  formula: 'param -= lr mhat / (sqrt(vhat) + eps) (Kingma, Ba 2015, algorithm 1)',
  cases: [
    { rows: 1, columns: 1, step: 1 },
    { rows: 61, columns: 7, step: 5, lr: 0.3 },
    { rows: 67, columns: 4, step: 100_000, lr: 0.3 },
    { rows: 5, columns: 129, step: 2 },
  ],
  benchShapes: [
    { rows: 3418, columns: 128, step: 10 },
    { rows: 54_544, columns: 128, step: 10 },
  ],
  inputs: ({ rows, columns, step }, random) => {
    const shape = [rows, columns];
    const scale = step === 1 ? 0 : 0.1; // no moments before the first step
    const v = squares(random, shape, scale);
    return { param: normals(random, shape), gradient: normals(random, shape), m: normals(random, shape, scale), v };
  },
  differentiable: [],
  run: ({ stream }, { step, lr }, { param, gradient, m, v }) => {
    adam(stream, { param, gradient, m, v }, { ...ADAM_DEFAULTS, ...(lr && { lr }), step });
    return { param, m, v };
  },
  reference: (shape, inputs) => adamReference(inputs, { ...ADAM_DEFAULTS, ...shape }),
  cost: {
    forward: ({ rows, columns }) => ({ bytes: 28 * rows * columns, flops: 13 * rows * columns }),
  },
});
