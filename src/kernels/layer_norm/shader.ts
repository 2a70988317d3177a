import { program } from '../../engine/program.js';
import { float, wgsl } from '../../engine/wgsl.js';
import { type Team, teamWgsl } from '../team.js';

export const EPSILON = 1e-5; // PyTorch's default

const MAIN = /* wgsl */ `
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let team = team_of(workgroup, workgroups, local);
  let lane = lane_of(local);
  let inside = team < params.T;
  let row = select(0u, team, inside) * D; // teams past the end compute row 0 again and store nothing`;

/** One team a row; the row stays in registers. Two team sums: the variance is that of the centred values, as in PyTorch. */
export const forward = program(
  'layer_norm.forward',
  ({ D, team }: { D: number; team: Team }) => wgsl`${teamWgsl(team)}
const D = ${D}u;
const EACH = ${Math.ceil(D / team.lanes)}u; // columns a lane
struct Params { T: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>; // [T, D]
@group(0) @binding(2) var<storage, read> weight: array<f32>; // [D]
@group(0) @binding(3) var<storage, read> bias: array<f32>; // [D]
@group(0) @binding(4) var<storage, read_write> y: array<f32>; // [T, D]
@group(0) @binding(5) var<storage, read_write> stats: array<f32>; // [T, 2]: mean, 1 / standard deviation
${MAIN}
  var values: array<f32, EACH>;
  var sum = 0.0;
  for (var i = 0u; i < EACH; i++) {
    let d = lane + i * LANES;
    if (d < D) { values[i] = x[row + d]; sum += values[i]; }
  }
  let mean = team_sum(sum, lane) / f32(D);
  var squares = 0.0;
  for (var i = 0u; i < EACH; i++) {
    if (lane + i * LANES < D) { let centred = values[i] - mean; squares += centred * centred; }
  }
  let inverse = inverseSqrt(team_sum(squares, lane) / f32(D) + ${float(EPSILON)});
  if (inside) {
    for (var i = 0u; i < EACH; i++) {
      let d = lane + i * LANES;
      if (d < D) { y[row + d] = (values[i] - mean) * inverse * weight[d] + bias[d]; }
    }
    if (lane == 0u) { stats[2u * team] = mean; stats[2u * team + 1u] = inverse; }
  }
}
`,
);

/** dx = inverse (g - mean(g) - xhat mean(g xhat)) with g = dy weight, one team a row. */
export const backwardInput = program(
  'layer_norm.backward_input',
  ({ D, team, add }: { D: number; team: Team; add: boolean }) => wgsl`${teamWgsl(team)}
const D = ${D}u;
const EACH = ${Math.ceil(D / team.lanes)}u;
struct Params { T: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>; // [T, D]
@group(0) @binding(2) var<storage, read> weight: array<f32>; // [D]
@group(0) @binding(3) var<storage, read> stats: array<f32>; // [T, 2]
@group(0) @binding(4) var<storage, read> dy: array<f32>; // [T, D]
@group(0) @binding(5) var<storage, read_write> dx: array<f32>; // [T, D]
${MAIN}
  let mean = stats[row / D * 2u];
  let inverse = stats[row / D * 2u + 1u];
  var g: array<f32, EACH>;
  var normal: array<f32, EACH>;
  var sum_g = 0.0;
  var sum_gx = 0.0;
  for (var i = 0u; i < EACH; i++) {
    let d = lane + i * LANES;
    if (d < D) {
      g[i] = dy[row + d] * weight[d];
      normal[i] = (x[row + d] - mean) * inverse;
      sum_g += g[i];
      sum_gx += g[i] * normal[i];
    }
  }
  let mean_g = team_sum(sum_g, lane) / f32(D);
  let mean_gx = team_sum(sum_gx, lane) / f32(D);
  if (inside) {
    for (var i = 0u; i < EACH; i++) {
      let d = lane + i * LANES;
      if (d < D) {
        let value = inverse * (g[i] - mean_g - normal[i] * mean_gx);
#if ${add}
        dx[row + d] += value;
#else
        dx[row + d] = value;
#endif
      }
    }
  }
}
`,
);

/** Sums over rows [first, first + ROWS) of dy xhat and dy, one lane a column: the first stage of dweight and dbias. */
export const backwardAffine = program(
  'layer_norm.backward_affine',
  ({ D, rows, workgroup }: { D: number; rows: number; workgroup: number }) => wgsl`
const D = ${D}u;
struct Params { T: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>; // [T, D]
@group(0) @binding(2) var<storage, read> stats: array<f32>; // [T, 2]
@group(0) @binding(3) var<storage, read> dy: array<f32>; // [T, D]
@group(0) @binding(4) var<storage, read_write> dweight: array<f32>; // [chunks, D]
@group(0) @binding(5) var<storage, read_write> dbias: array<f32>; // [chunks, D]
@compute @workgroup_size(${workgroup})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let chunk = workgroup.x;
  let first = chunk * ${rows}u;
  let end = min(first + ${rows}u, params.T);
  for (var d = local; d < D; d += ${workgroup}u) {
    var weight_sum = 0.0;
    var bias_sum = 0.0;
    for (var t = first; t < end; t++) {
      let g = dy[t * D + d];
      weight_sum += g * (x[t * D + d] - stats[2u * t]) * stats[2u * t + 1u];
      bias_sum += g;
    }
    dweight[chunk * D + d] = weight_sum;
    dbias[chunk * D + d] = bias_sum;
  }
}
`,
);
