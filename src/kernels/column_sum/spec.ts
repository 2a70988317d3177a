import { normals } from '../inputs.js';
import { defineOp } from '../op.js';
import { columnSumInto } from './index.js';

export const columnSumOp = defineOp<{ R: number; C: number }>()({
  name: 'column_sum',
  formula: 'y[c] = sum_r x[r, c]',
  cases: [
    { R: 1, C: 1 },
    { R: 67, C: 3 },
    { R: 4099, C: 65 },
    { R: 131, C: 268 },
  ],
  benchShapes: [{ R: 12800, C: 128 }],
  inputs: ({ R, C }, random) => ({ x: normals(random, [R, C]) }),
  differentiable: [],
  run: ({ stream }, { C }, { x }) => {
    const y = stream.empty([C]);
    columnSumInto(stream, x, y);
    return { y };
  },
  reference: ({ R, C }, { x }) => {
    const y = new Float64Array(C);
    for (let r = 0; r < R; r++) for (let c = 0; c < C; c++) y[c] += x[r * C + c];
    return { y };
  },
  cost: {
    forward: ({ R, C }) => ({ bytes: 4 * (R * C + C), flops: R * C }),
  },
});
