import { normals } from '../inputs.js';
import { defineOp } from '../op.js';
import { add } from './index.js';

export const addOp = defineOp<{ T: number; D: number }>()({
  name: 'add',
  formula: 'y = a + b',
  cases: [
    { T: 1, D: 1 },
    { T: 37, D: 5 },
    { T: 67, D: 12 },
  ],
  benchShapes: [{ T: 12800, D: 128 }],
  inputs: ({ T, D }, random) => ({ a: normals(random, [T, D]), b: normals(random, [T, D]) }),
  differentiable: ['a', 'b'],
  run: (tape, _, { a, b }) => ({ y: add(tape, a, b) }),
  reference: (_, { a, b }) => ({ y: a.map((value, i) => value + b[i]) }),
  cost: {
    forward: ({ T, D }) => ({ bytes: 12 * T * D, flops: T * D }),
    backward: ({ T, D }) => ({ bytes: 8 * T * D, flops: 0 }),
  },
});
