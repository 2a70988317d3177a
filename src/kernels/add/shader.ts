import { program } from '../../engine/program.js';
import { wgsl } from '../../engine/wgsl.js';

/**
 * y += x, one lane an element: bound by its two loads and one store. On lavapipe a third of the roofline at [12800, 128]: to start an
 * invocation costs as much there as the element that it adds.
 */
export const addInPlace = program(
  'add',
  ({ workgroup }: { workgroup: number }) => wgsl`
struct Params { size: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>; // [size]
@group(0) @binding(2) var<storage, read_write> y: array<f32>; // [size]
@compute @workgroup_size(${workgroup})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let i = (workgroup.x + workgroup.y * workgroups.x) * ${workgroup}u + local;
  if (i < params.size) { y[i] += x[i]; }
}
`,
);
