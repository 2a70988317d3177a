import { program } from '../../engine/program.js';
import { float, wgsl } from '../../engine/wgsl.js';
import { cellsOf, cellWgsl } from '../cells.js';
import { type Team, teamMain, teamWgsl } from '../team.js';

export const EPSILON = 1e-5; // PyTorch's default

/** WGSL of a kernel with one team per row: a lane's cells of the row are `row + lane + i * LANES` for i below EACH. */
const rows = (D: number, team: Team) => `${teamWgsl(team)}${cellWgsl(D)}
const D = ${D}.0;
const EACH = ${Math.ceil(cellsOf(D).count / team.lanes)}u; // cells per lane
struct Params { T: u32 }
@group(0) @binding(0) var<uniform> params: Params;`;

const main = (team: Team) => `${teamMain(team)}
  let inside = team < params.T;
  let row = select(0u, team, inside) * CELLS; // teams past the end compute row 0 again and store nothing`;

/**
 * One team per row; the row stays in registers. Two team sums: the variance is that of the centred values, as in PyTorch. Bound by the
 * loads and stores, which cells of four floats make a quarter as many, and by the two team sums between a row's loads and its stores.
 */
export const forward = program('layer_norm.forward', ({ D, team }: { D: number; team: Team }) => {
  const { type } = cellsOf(D);
  return wgsl`${rows(D, team)}
@group(0) @binding(1) var<storage, read> x: array<${type}>; // [T, D]
@group(0) @binding(2) var<storage, read> weight: array<${type}>; // [D]
@group(0) @binding(3) var<storage, read> bias: array<${type}>; // [D]
@group(0) @binding(4) var<storage, read_write> y: array<${type}>; // [T, D]
@group(0) @binding(5) var<storage, read_write> stats: array<vec2<f32>>; // [T, 2]: mean, 1 / standard deviation
${main(team)}
  var values: array<Cell, EACH>;
  var sum = Cell();
  for (var i = 0u; i < EACH; i++) {
    let cell = lane + i * LANES;
    if (cell < CELLS) { values[i] = x[row + cell]; sum += values[i]; }
  }
  let mean = team_sum(total(sum), lane) / D;
  var squares = Cell();
  for (var i = 0u; i < EACH; i++) {
    if (lane + i * LANES < CELLS) { let centred = values[i] - mean; squares += centred * centred; }
  }
  let inverse = inverseSqrt(team_sum(total(squares), lane) / D + ${float(EPSILON)});
  if (inside) {
    for (var i = 0u; i < EACH; i++) {
      let cell = lane + i * LANES;
      if (cell < CELLS) { y[row + cell] = (values[i] - mean) * inverse * weight[cell] + bias[cell]; }
    }
    if (lane == 0u) { stats[team] = vec2f(mean, inverse); }
  }
}
`;
});

/** dx = inverse (g - mean(g) - xhat mean(g xhat)) with g = dy weight, one team per row. Bound by its loads and stores, like the forward. */
export const backwardInput = program(
  'layer_norm.backward_input',
  ({ D, team, add }: { D: number; team: Team; add: boolean }) => {
    const { type } = cellsOf(D);
    return wgsl`${rows(D, team)}
@group(0) @binding(1) var<storage, read> x: array<${type}>; // [T, D]
@group(0) @binding(2) var<storage, read> weight: array<${type}>; // [D]
@group(0) @binding(3) var<storage, read> stats: array<vec2<f32>>; // [T, 2]
@group(0) @binding(4) var<storage, read> dy: array<${type}>; // [T, D]
@group(0) @binding(5) var<storage, read_write> dx: array<${type}>; // [T, D]
${main(team)}
  let stat = stats[row / CELLS];
  var g: array<Cell, EACH>;
  var normal: array<Cell, EACH>;
  var sum_g = Cell();
  var sum_gx = Cell();
  for (var i = 0u; i < EACH; i++) {
    let cell = lane + i * LANES;
    if (cell < CELLS) {
      g[i] = dy[row + cell] * weight[cell];
      normal[i] = (x[row + cell] - stat.x) * stat.y;
      sum_g += g[i];
      sum_gx += g[i] * normal[i];
    }
  }
  let mean_g = team_sum(total(sum_g), lane) / D;
  let mean_gx = team_sum(total(sum_gx), lane) / D;
  if (inside) {
    for (var i = 0u; i < EACH; i++) {
      let cell = lane + i * LANES;
      if (cell < CELLS) {
        let value = stat.y * (g[i] - mean_g - normal[i] * mean_gx);
#if ${add}
        dx[row + cell] += value;
#else
        dx[row + cell] = value;
#endif
      }
    }
  }
}
`;
  },
);

/** Sums over rows [first, first + ROWS) of dy xhat and dy, one lane per cell: the first stage of dweight and dbias. Bound by its loads. */
export const backwardAffine = program(
  'layer_norm.backward_affine',
  ({ D, rows, workgroup }: { D: number; rows: number; workgroup: number }) => {
    const { type } = cellsOf(D);
    return wgsl`${cellWgsl(D)}
struct Params { T: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<${type}>; // [T, D]
@group(0) @binding(2) var<storage, read> stats: array<vec2<f32>>; // [T, 2]
@group(0) @binding(3) var<storage, read> dy: array<${type}>; // [T, D]
@group(0) @binding(4) var<storage, read_write> dweight: array<${type}>; // [chunks, D]
@group(0) @binding(5) var<storage, read_write> dbias: array<${type}>; // [chunks, D]
@compute @workgroup_size(${workgroup})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let chunk = workgroup.x;
  let first = chunk * ${rows}u;
  let end = min(first + ${rows}u, params.T);
  for (var cell = local; cell < CELLS; cell += ${workgroup}u) {
    var weight_sum = Cell();
    var bias_sum = Cell();
    for (var t = first; t < end; t++) {
      let g = dy[t * CELLS + cell];
      let stat = stats[t];
      weight_sum += g * (x[t * CELLS + cell] - stat.x) * stat.y;
      bias_sum += g;
    }
    dweight[chunk * CELLS + cell] = weight_sum;
    dbias[chunk * CELLS + cell] = bias_sum;
  }
}
`;
  },
);
