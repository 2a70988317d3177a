import { program } from '../../../engine/program.js';
import { type TableLayout, tableWgsl } from '../../../engine/table.js';
import { wgsl } from '../../../engine/wgsl.js';
import { cellsOf } from '../../cells.js';
import { type Team, teamMain, teamWgsl } from '../../team.js';
import { targetsWgsl } from '../targets.js';

/** The score of each token's positive, with `corrected` less the log of how often the item is drawn. One team a token. Bound by reading h and a row of the table for each. */
export const scorePositives = program(
  'score.shared.positives',
  ({
    D,
    team,
    table,
    weighted,
    corrected = false,
  }: {
    D: number;
    team: Team;
    table: TableLayout;
    weighted: boolean;
    corrected?: boolean;
  }) => {
    const { type, count } = cellsOf(D);
    return wgsl`${teamWgsl(team)}
alias Cell = ${type};
const CELLS = ${count}u;
struct Params { T: u32, scale: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> h: array<${type}>; // [T, D]
${tableWgsl('table', 2, { cell: type, cells: 'CELLS', layout: table })}
@group(0) @binding(3) var<storage, read> targets: array<u32>; // [T]; weighted [T, 2]
@group(0) @binding(4) var<storage, read_write> running: array<vec2<f32>>; // [T, 2]: the score, and room for its slope
#if ${corrected}
@group(0) @binding(5) var<storage, read> log_draws: array<f32>; // [T]
#endif
${targetsWgsl(weighted)}
${teamMain(team)}
  let inside = team < params.T;
  let t = select(0u, team, inside);
  let row = target_of(t) * CELLS;
  var score = 0.0;
  for (var c = lane; c < CELLS; c += LANES) {
#if ${type === 'f32'}
    score += h[t * CELLS + c] * table_cell(row + c);
#else
    score += dot(h[t * CELLS + c], table_cell(row + c));
#endif
  }
  score = team_sum(score, lane);
#if ${corrected}
  score -= log_draws[t];
#endif
  if (inside && lane == 0u) { running[t] = vec2f(score, 0.0); }
}
`;
  },
);
