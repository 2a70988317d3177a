import { normals } from '../inputs.js';
import { defineOp } from '../op.js';
import { scaleRows } from './index.js';

export const scaleRowsOp = defineOp<{ T: number; D: number; unit: boolean; scale?: number }>()({
  name: 'scale_rows',
  formula: 'y = scale x / |x|, or scale x',
  cases: [
    { T: 1, D: 1, unit: true },
    { T: 3, D: 7, unit: true, scale: 5 },
    { T: 3, D: 7, unit: false, scale: 0.2 },
    { T: 131, D: 24, unit: true, scale: 0.3 },
    { T: 131, D: 24, unit: false },
    { T: 70, D: 130, unit: true },
  ],
  benchShapes: [
    { T: 3200, D: 128, unit: true },
    { T: 54_544, D: 64, unit: true },
  ],
  inputs: ({ T, D }, random) => ({ x: normals(random, [T, D]) }),
  differentiable: ['x'],
  run: (tape, { unit, scale }, { x }) => ({ y: scaleRows(tape, x, { unit, ...(scale !== undefined && { scale }) }) }),
  reference: ({ T, D, unit, scale = 1 }, { x }) => {
    const y = new Float64Array(T * D);
    for (let t = 0; t < T; t++) {
      const row = x.subarray(t * D, (t + 1) * D);
      const length = unit ? Math.max(Math.hypot(...row), 1e-12) : 1;
      for (let d = 0; d < D; d++) y[t * D + d] = (scale * row[d]) / length;
    }
    return { y };
  },
  cost: {
    forward: ({ T, D }) => ({ bytes: 8 * T * D, flops: 3 * T * D }),
    backward: ({ T, D }) => ({ bytes: 12 * T * D, flops: 7 * T * D }),
  },
});
