import { program } from '../../engine/program.js';
import { wgsl } from '../../engine/wgsl.js';

/** One lane a column and one workgroup a chunk of rows; lanes read neighbouring addresses. Bound by its R C loads. */
export const columnSumShader = program(
  'column_sum',
  ({ workgroup, add }: { workgroup: number; add: boolean }) => wgsl`
struct Params { R: u32, C: u32, rows: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>; // [R, C]
@group(0) @binding(2) var<storage, read_write> sum: array<f32>; // [chunks, C]
@compute @workgroup_size(${workgroup})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let c = workgroup.x * ${workgroup}u + local;
  if (c >= params.C) { return; }
  let first = workgroup.y * params.rows;
  let end = min(first + params.rows, params.R);
  var total = 0.0;
  for (var r = first; r < end; r++) { total += x[r * params.C + c]; }
#if ${add}
  sum[workgroup.y * params.C + c] += total;
#else
  sum[workgroup.y * params.C + c] = total;
#endif
}
`,
);
