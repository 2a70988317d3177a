import { program } from '../../engine/program.js';
import { type TableLayout, tableWgsl } from '../../engine/table.js';
import { mainWgsl, wgsl } from '../../engine/wgsl.js';
import { cellsOf } from '../cells.js';

export const WORKGROUP = 64;

/** One invocation per cell; neighbours read neighbouring cells of one row. Bound by its P D loads and stores. */
export const gatherRows = program(
  'gather',
  ({ D, table }: { D: number; table: TableLayout }) => wgsl`
alias Cell = ${cellsOf(D).type};
const CELLS = ${cellsOf(D).count}u;
struct Params { P: u32 }
@group(0) @binding(0) var<uniform> params: Params;
${tableWgsl('table', 1, { cell: cellsOf(D).type, cells: 'CELLS', layout: table })}@group(0) @binding(2) var<storage, read> ids: array<u32>; // [P]
@group(0) @binding(3) var<storage, read_write> rows: array<${cellsOf(D).type}>; // [P, D]
${mainWgsl(WORKGROUP)}
  let i = number * ${WORKGROUP}u + local;
  let pair = i / CELLS;
  if (pair < params.P) { rows[i] = table_cell(ids[pair] * CELLS + i % CELLS); }
}
`,
);
