import type { Tensor } from '../../engine/tensor.js';
import { normals } from '../inputs.js';
import { defineOp, type Operand } from '../op.js';
import { clipFactor } from './index.js';

interface ClipCase {
  sizes: readonly number[];
  limit: number;
  /** Standard deviation of the gradients. */
  scale?: number;
}

export const clipOp = defineOp<ClipCase>()({
  name: 'clip',
  formula:
    'factor = min(1, limit / (norm + 1e-6)), norm = sqrt(sum g^2) over all gradients (Pascanu et al. 2013, algorithm 1)',
  cases: [
    { sizes: [1], limit: 1e-3 },
    { sizes: [7, 64, 129], limit: 1 },
    { sizes: [7, 64, 129], limit: 1e6 },
    { sizes: [70_003, 1, 65_540], limit: 5, scale: 1e-3 },
  ],
  benchShapes: [{ sizes: [3418 * 128, 3418 * 128, 200 * 128, 128 * 128], limit: 1 }],
  inputs: ({ sizes, scale = 1 }, random): Record<string, Operand<Float32Array>> =>
    Object.fromEntries(sizes.map((size, i) => [`g${i}`, normals(random, [size], scale)])),
  differentiable: [],
  run: ({ stream }, { limit }, gradients: Record<string, Tensor>): Record<string, Tensor> => ({
    clip: clipFactor(stream, Object.values(gradients), limit),
  }),
  reference: ({ limit }, gradients: Record<string, Float64Array>): Record<string, Float64Array> => {
    const squares = Object.values(gradients).flatMap((g) => [...g].map((value) => value * value));
    const norm = Math.sqrt(squares.reduce((a, b) => a + b, 0));
    return { clip: Float64Array.of(Math.min(1, limit / (norm + 1e-6)), norm) };
  },
  cost: {
    forward: ({ sizes }) => {
      const numbers = sizes.reduce((a, b) => a + b, 0);
      return { bytes: 4 * numbers, flops: 2 * numbers };
    },
  },
});
