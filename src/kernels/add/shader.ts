import { program } from '../../engine/program.js';
import { wgsl } from '../../engine/wgsl.js';
import { cellsOf } from '../cells.js';

/** y += x, one lane an element, or four neighbouring ones where the size allows: bound by its two loads and one store. */
export const addInPlace = program(
  'add',
  ({ workgroup, columns }: { workgroup: number; columns: 4 | 1 }) => wgsl`
struct Params { size: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<${cellsOf(columns).type}>; // [size]
@group(0) @binding(2) var<storage, read_write> y: array<${cellsOf(columns).type}>; // [size]
@compute @workgroup_size(${workgroup})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let i = (workgroup.x + workgroup.y * workgroups.x) * ${workgroup}u + local;
  if (i < params.size) { y[i] += x[i]; }
}
`,
);
