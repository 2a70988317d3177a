import { program } from '../../engine/program.js';
import { wgsl } from '../../engine/wgsl.js';
import { cellsOf, cellWgsl } from '../cells.js';
import { type Team, teamMain, teamWgsl } from '../team.js';

export interface Constants {
  D: number;
  team: Team;
  /** Rows are brought to length 1 before they are scaled. */
  unit: boolean;
}

/** The square of the length below which a row counts as that long, as in PyTorch's normalize: nothing is divided by 0. */
const SHORTEST = '1.0e-24';

/** WGSL up to the row in registers, and `factor`, by which it is to be multiplied. */
const open = ({ D, team, unit }: Constants, bindings: string) => {
  const { type } = cellsOf(D);
  return wgsl`${teamWgsl(team)}${cellWgsl(D)}
const EACH = ${Math.ceil(cellsOf(D).count / team.lanes)}u; // cells per lane
struct Params { T: u32, scale: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<${type}>; // [T, D]
${bindings}
${teamMain(team)}
  let inside = team < params.T;
  let row = select(0u, team, inside) * CELLS; // teams past the end compute row 0 again and store nothing
  var values: array<Cell, EACH>;
  for (var i = 0u; i < EACH; i++) {
    if (lane + i * LANES < CELLS) { values[i] = x[row + lane + i * LANES]; }
  }
#if ${unit}
  var squares = Cell();
  for (var i = 0u; i < EACH; i++) { squares += values[i] * values[i]; }
  let inverse = inverseSqrt(max(team_sum(total(squares), lane), ${SHORTEST}));
  let factor = params.scale * inverse;
#else
  let factor = params.scale;
#endif
`;
};

/** One team per row, which stays in registers. Bound by its loads and stores. */
export const forward = program('scale_rows.forward', (constants: Constants) => {
  const { type } = cellsOf(constants.D);
  return wgsl`${open(constants, wgsl`@group(0) @binding(2) var<storage, read_write> y: array<${type}>; // [T, D]`)}
  if (inside) {
    for (var i = 0u; i < EACH; i++) {
      if (lane + i * LANES < CELLS) { y[row + lane + i * LANES] = factor * values[i]; }
    }
  }
}
`;
});

/** dx = factor (dy - u (u . dy)), u = x / |x|: a unit row changes only across its own direction. Without `unit` dx = factor dy. Bound like the forward. */
export const backward = program('scale_rows.backward', ({ add, ...constants }: Constants & { add: boolean }) => {
  const { type } = cellsOf(constants.D);
  const bindings = wgsl`@group(0) @binding(2) var<storage, read> dy: array<${type}>; // [T, D]
@group(0) @binding(3) var<storage, read_write> dx: array<${type}>; // [T, D]`;
  return wgsl`${open(constants, bindings)}
  var slopes: array<Cell, EACH>;
  for (var i = 0u; i < EACH; i++) {
    if (lane + i * LANES < CELLS) { slopes[i] = dy[row + lane + i * LANES]; }
  }
#if ${constants.unit}
  var along = Cell();
  for (var i = 0u; i < EACH; i++) { along += slopes[i] * values[i]; }
  let ahead = team_sum(total(along), lane) * inverse * inverse;
  for (var i = 0u; i < EACH; i++) { slopes[i] -= ahead * values[i]; }
#endif
  if (inside) {
    for (var i = 0u; i < EACH; i++) {
      if (lane + i * LANES < CELLS) {
#if ${add}
        dx[row + lane + i * LANES] += factor * slopes[i];
#else
        dx[row + lane + i * LANES] = factor * slopes[i];
#endif
      }
    }
  }
}
`;
});
