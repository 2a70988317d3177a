import { program } from '../../engine/program.js';
import { wgsl } from '../../engine/wgsl.js';
import { cellsOf } from '../cells.js';

export interface ColumnSumConstants {
  workgroup: number;
  /** Neighbouring columns of a lane: 4 or 1, a divisor of C. */
  columns: 4 | 1;
  add: boolean;
}

/**
 * One lane a cell of the row and one workgroup a chunk of rows; lanes read neighbouring addresses. Bound by its R C loads:
 * 65 % of lavapipe's memory roof at [12800, 128].
 */
export const columnSumShader = program('column_sum', ({ workgroup, columns, add }: ColumnSumConstants) => {
  const { type } = cellsOf(columns);
  return wgsl`
struct Params { R: u32, C: u32, rows: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<${type}>; // [R, C]
@group(0) @binding(2) var<storage, read_write> sum: array<${type}>; // [chunks, C]
@compute @workgroup_size(${workgroup})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let cells = params.C / ${columns}u;
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
