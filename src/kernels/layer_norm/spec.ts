import { normals } from '../inputs.js';
import { defineOp } from '../op.js';
import { layerNorm } from './index.js';
import { layerNormReference } from './reference.js';

export const layerNormOp = defineOp<{ T: number; D: number }>()({
  name: 'layer_norm',
  formula: 'y = (x - mean) / sqrt(var + 1e-5) * weight + bias (Ba, Kiros, Hinton 2016, eq. 4)',
  cases: [
    { T: 1, D: 1 },
    { T: 3, D: 7 },
    { T: 131, D: 24 },
    { T: 70, D: 130 },
  ],
  benchShapes: [
    { T: 3200, D: 64 },
    { T: 12800, D: 128 },
  ],
  inputs: ({ T, D }, random) => ({
    x: normals(random, [T, D]),
    weight: normals(random, [D]),
    bias: normals(random, [D]),
  }),
  differentiable: ['x', 'weight', 'bias'],
  run: (tape, _, { x, weight, bias }) => ({ y: layerNorm(tape, x, weight, bias) }),
  reference: ({ T, D }, { x, weight, bias }) => ({
    y: layerNormReference(x, weight, bias, T, D),
  }),
  cost: {
    forward: ({ T, D }) => ({ bytes: 4 * (2 * T * D + 2 * T + 2 * D), flops: 8 * T * D }),
    backward: ({ T, D }) => ({ bytes: 4 * (5 * T * D + 4 * T + 3 * D), flops: 16 * T * D }),
  },
});
