import type { Table } from '../../engine/table.js';
import type { Tape } from '../../engine/tape.js';
import { checkShapes, sizeOf, type Tensor } from '../../engine/tensor.js';
import { cellsOf } from '../cells.js';
import { contributeScatter } from '../scatter_add/index.js';
import { gatherRows, WORKGROUP } from './shader.js';

/**
 * Rows of a table by id. Its gradient is dense, rows that no id names get 0, unless the tape keeps the table's by rows.
 * @param table [R, D]
 * @param ids u32 of any shape [...], each below R (not checked)
 * @returns [..., D]
 * @throws GsasError in the backward of a table of several pages
 */
export function gather(tape: Tape, table: Table, ids: Tensor): Tensor {
  const { D } = checkShapes('gather', { table: [table, 'R', 'D'] });
  const { stream } = tape;
  const P = sizeOf(ids.shape);
  const rows = stream.empty([...ids.shape, D]);
  stream.dispatch(
    gatherRows({ D, table: table.layout }),
    { ...table.bindings('table'), ids, rows, P },
    Math.ceil((P * cellsOf(D).count) / WORKGROUP),
  );
  const kept = stream.view(ids);
  tape.record({
    inputs: table.pages,
    outputs: [rows],
    saved: [kept],
    backward() {
      const source = stream.view(tape.gradient(rows), [P, D]);
      contributeScatter(tape, table.whole('gather'), { ids: kept, source });
      stream.release(source);
    },
  });
  return rows;
}
