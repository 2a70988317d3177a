import { program } from '../../engine/program.js';
import { wgsl } from '../../engine/wgsl.js';
import type { Cell } from '../cells.js';

export const WORKGROUP = 64;

/** WGSL: adds up `scratch`, a number an invocation, in a fixed order; the sum is in its first element. */
const REDUCE = /* wgsl */ `
  workgroupBarrier();
  for (var half = ${WORKGROUP / 2}u; half > 0u; half /= 2u) {
    if (local < half) { scratch[local] += scratch[local + half]; }
    workgroupBarrier();
  }`;

/** Sums of squares of a tensor, one a workgroup, times a weight: 0 for a tensor of which only matters whether it is finite. */
export const squareSums = program(
  'clip.squares',
  ({ cell }: { cell: Cell['type'] }) => wgsl`
struct Params { count: u32, first: u32, groups: u32, weight: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<${cell}>; // [count]
@group(0) @binding(2) var<storage, read_write> sums: array<f32>; // [first + groups, …]
var<workgroup> scratch: array<f32, ${WORKGROUP}>;
fn square(value: ${cell}) -> f32 { return ${cell === 'f32' ? 'value * value' : 'dot(value, value)'}; }
@compute @workgroup_size(${WORKGROUP})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  var total = 0.0;
  for (var i = workgroup.x * ${WORKGROUP}u + local; i < params.count; i += params.groups * ${WORKGROUP}u) {
    total += square(x[i]);
  }
  scratch[local] = total;
${REDUCE}
  if (local == 0u) { sums[params.first + workgroup.x] = params.weight * scratch[0]; }
}
`,
);

/** The norm that the sums come to, and the factor that clips it. */
export const clipByNorm = program(
  'clip.factor',
  () => wgsl`
struct Params { count: u32, limit: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> sums: array<f32>; // [count]
@group(0) @binding(2) var<storage, read_write> clip: array<f32>; // [2] factor, norm
var<workgroup> scratch: array<f32, ${WORKGROUP}>;
@compute @workgroup_size(${WORKGROUP})
fn main(@builtin(local_invocation_index) local: u32) {
  var total = 0.0;
  for (var i = local; i < params.count; i += ${WORKGROUP}u) { total += sums[i]; }
  scratch[local] = total;
${REDUCE}
  if (local > 0u) { return; }
  // By the bits: a compiler may take it that no number is NaN or infinite.
  let finite = (bitcast<u32>(scratch[0]) & 0x7f800000u) != 0x7f800000u;
  let norm = sqrt(scratch[0]);
  clip[0] = 0.0;
  if (finite) { clip[0] = min(1.0, params.limit / (norm + 1e-6)); }
  clip[1] = norm;
}
`,
);
