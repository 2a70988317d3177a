import { program } from '../../engine/program.js';
import { wgsl } from '../../engine/wgsl.js';
import type { Cell } from '../cells.js';

export interface ColumnSumConstants {
  workgroup: number;
  /** Neighbouring columns, as many as divide C. */
  cell: Cell;
  add: boolean;
}

/** One lane per cell of the row and one workgroup per chunk of rows; lanes read neighbouring addresses. Bound by its R C loads. */
export const columnSumShader = program('column_sum', ({ workgroup, cell: { size, type }, add }: ColumnSumConstants) => {
  return wgsl`
struct Params { R: u32, C: u32, rows: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<${type}>; // [R, C]
@group(0) @binding(2) var<storage, read_write> sum: array<${type}>; // [chunks, C]
@compute @workgroup_size(${workgroup})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let cells = params.C / ${size}u;
  let cell = workgroup.x * ${workgroup}u + local;
  if (cell >= cells) { return; }
  let first = workgroup.y * params.rows;
  let end = min(first + params.rows, params.R);
  var total = ${type}();
  for (var r = first; r < end; r++) { total += x[r * cells + cell]; }
#if ${add}
  sum[workgroup.y * cells + cell] += total;
#else
  sum[workgroup.y * cells + cell] = total;
#endif
}
`;
});
