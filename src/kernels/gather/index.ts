import type { Op } from '../../engine/kernel.js';
import type { Tape } from '../../engine/tape.js';
import { checkShapes, sizeOf, type Tensor } from '../../engine/tensor.js';
import { cellsOf } from '../cells.js';
import { integers, normals } from '../inputs.js';
import { contributeScatter } from '../scatter_add/index.js';
import { gatherReference } from './reference.js';
import { gatherRows, WORKGROUP } from './shader.js';

/**
 * Rows of a table by id. Its gradient is dense, rows that no id names get 0, unless the tape keeps the table's by rows.
 * @param table [R, D]
 * @param ids u32 of any shape [...], each below R (not checked)
 * @returns [..., D]
 * @throws ShapeError when the table is no matrix
 */
export function gather(tape: Tape, table: Tensor, ids: Tensor): Tensor {
  const { D } = checkShapes('gather', { table: [table, 'R', 'D'] });
  const { stream } = tape;
  const P = sizeOf(ids.shape);
  const rows = stream.empty([...ids.shape, D]);
  stream.dispatch(gatherRows({ D }), { table, ids, rows, P }, Math.ceil((P * cellsOf(D).count) / WORKGROUP));
  const kept = stream.view(ids);
  tape.record({
    inputs: [table],
    outputs: [rows],
    saved: [kept],
    backward() {
      const source = stream.view(tape.gradient(rows), [P, D]);
      contributeScatter(tape, table, { ids: kept, source });
      stream.release(source);
    },
  });
  return rows;
}

export const gatherOp: Op<{ P: number; R: number; D: number }> = {
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
  run: (tape, _, { table, ids }) => ({ y: gather(tape, table!, ids!) }),
  reference: ({ D }, { table, ids }) => ({ y: gatherReference(table as Float64Array, ids as Uint32Array, D) }),
  forward: ({ P, D }) => ({ bytes: 4 * (2 * P * D + P), flops: 0 }),
  backward: ({ P, R, D }) => ({ bytes: 4 * (P * D + R * D), flops: P * D }),
};
