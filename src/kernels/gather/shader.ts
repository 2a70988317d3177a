import { program } from '../../engine/program.js';
import { mainWgsl, wgsl } from '../../engine/wgsl.js';
import { cellsOf } from '../cells.js';

export const WORKGROUP = 64;

/** One invocation a cell; neighbours read neighbouring cells of one row. Bound by its P D loads and stores. */
export const gatherRows = program(
  'gather',
  ({ D }: { D: number }) => wgsl`
const CELLS = ${cellsOf(D).count}u;
struct Params { P: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> table: array<${cellsOf(D).type}>; // [R, D]
@group(0) @binding(2) var<storage, read> ids: array<u32>; // [P]
@group(0) @binding(3) var<storage, read_write> rows: array<${cellsOf(D).type}>; // [P, D]
${mainWgsl(WORKGROUP)}
  let i = number * ${WORKGROUP}u + local;
  let pair = i / CELLS;
  if (pair < params.P) { rows[i] = table[ids[pair] * CELLS + i % CELLS]; }
}
`,
);
