import { tableOf } from '../../engine/table.js';
import { integers, normals } from '../inputs.js';
import { defineOp } from '../op.js';
import { gather } from './index.js';

export const gatherOp = defineOp<{ P: number; R: number; D: number }>()({
  name: 'gather',
  formula: 'y[p] = table[ids[p]]',
  cases: [
    { P: 1, R: 1, D: 1 },
    { P: 13, R: 29, D: 7 },
    { P: 307, R: 3, D: 24 },
    { P: 70, R: 101, D: 130 },
  ],
  benchShapes: [{ P: 12800, R: 3418, D: 128 }],
  inputs: ({ P, R, D }, random) => ({ table: normals(random, [R, D]), ids: integers(random, [P], 0, R - 1) }),
  differentiable: ['table'],
  run: (tape, _, { table, ids }) => ({ y: gather(tape, tableOf(table), ids) }),
  reference: ({ D }, { table, ids }) => ({ y: gatherReference(table, ids, D) }),
  cost: {
    forward: ({ P, D }) => ({ bytes: 4 * (2 * P * D + P), flops: 0 }),
    backward: ({ P, R, D }) => ({ bytes: 4 * (P * D + R * D), flops: P * D }),
  },
});

/** y[p] = table[ids[p]]. */
export function gatherReference(table: Float64Array, ids: Uint32Array, D: number): Float64Array {
  const y = new Float64Array(ids.length * D);
  ids.forEach((id, pair) => {
    y.set(table.subarray(id * D, (id + 1) * D), pair * D);
  });
  return y;
}
