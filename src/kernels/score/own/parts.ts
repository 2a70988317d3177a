import { type TableLayout, tableWgsl } from '../../../engine/table.js';
import { wgsl } from '../../../engine/wgsl.js';
import { cellsOf } from '../../cells.js';
import type { Team } from '../../team.js';
import { ROW_WGSL } from '../judge.js';
import { JUDGES } from '../judges/index.js';
import { type Correction, correctionWgsl, LOWEST, type LogQ } from '../log-q.js';
import { SAMPLERS } from '../samplers/index.js';
import { targetsWgsl } from '../targets.js';

export interface Constants {
  D: number;
  team: Team;
  judge: string;
  sampler: string;
  table: TableLayout;
  /** Targets come with a weight each. */
  weighted: boolean;
  /** How scores are corrected for how likely their items are drawn. */
  logQ: LogQ;
  /** Whether positives weigh by how often they are drawn. */
  draws: boolean;
  /** Whether dL/dh and dL/ds are wanted beside the loss. */
  gradients: boolean;
  /** Rows are asked for ahead of their use; of the variant with subgroups only. */
  ahead: boolean;
}

/** Slots 0 … k-1 of a token are its candidates, slot k its positive. `Score` is f32 or a vec4 of them. */
export function common(constants: Constants, score: 'f32' | 'vec4f'): string {
  const { D, judge, sampler, table, weighted, gradients, logQ, draws } = constants;
  const cells = cellsOf(D);
  const { params, wgsl: sampled, logQ: probability = '' } = SAMPLERS[sampler];
  const probable = logQ !== 'none' || draws;
  return wgsl`
alias Cell = ${cells.type};
alias Score = ${score};
const CELLS = ${cells.count}u;
const EACH = (CELLS + LANES - 1u) / LANES; // cells per lane
const LOWEST = ${LOWEST};
struct Params { T: u32, k: u32, scale: f32, ${JUDGES[judge].params} ${params} ${probable ? 'log_k: f32,' : ''} }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> h: array<${cells.type}>; // [T, D]
${tableWgsl('table', 2, { cell: cells.type, cells: 'CELLS', layout: table })}
@group(0) @binding(3) var<storage, read> targets: array<u32>; // [T]; weighted [T, 2]: the item, the bits of its weight
@group(0) @binding(4) var<storage, read_write> losses: array<f32>; // [T]
#if ${gradients}
@group(0) @binding(6) var<storage, read_write> dh: array<${cells.type}>; // [T, D]
@group(0) @binding(7) var<storage, read_write> ds: array<f32>; // [T, k + 1]
@group(0) @binding(8) var<storage, read_write> ids: array<u32>; // [T, k + 1]
#endif
${ROW_WGSL}${sampled(5)}${JUDGES[judge].wgsl}
#if ${probable}
${probability}fn log_draws_of(t: u32, id: u32) -> f32 { return log_q_of(t, id) + params.log_k; }
#endif
fn product(a: Cell, b: Cell) -> f32 {
#if ${cells.type === 'f32'}
  return a * b;
#else
  return dot(a, b);
#endif
}
${targetsWgsl(weighted)}fn slot_weight(slot: u32, share: f32, draws: f32) -> f32 {
  return select(0.0, weight_of(slot == params.k, share, draws), slot <= params.k);
}
fn draws_of(t: u32) -> f32 {
#if ${draws}
  return exp(log_draws_of(t, target_of(t)));
#else
  return 0.0;
#endif
}
#if ${logQ !== 'none'}
${correctionWgsl(logQ as Correction)}
fn slot_correction(t: u32, slot: u32, id: u32) -> f32 {
  return correction(slot == params.k, id == target_of(t), log_draws_of(t, id));
}
#endif
`;
}

/** WGSL: the team's shares of a token's loss become one number, and the gradient of h leaves the registers. */
export function finish(constants: Constants): string {
  return wgsl`
  loss = team_sum(loss, lane);
  if (inside) {
    if (lane == 0u) { losses[t] = loss; }
#if ${constants.gradients}
    for (var e = 0u; e < EACH; e++) {
      if (lane + e * LANES < CELLS) { dh[t * CELLS + lane + e * LANES] = dstate[e]; }
    }
#endif
  }
`;
}

/**
 * WGSL, where the slopes have to wait for the log-sum-exp: the sums of rows weighted by e^(s - largest), in `dstate`, become the gradient of h, and the
 * loss that of the positive: the candidates' part lies in the log-sum-exp. `positive_here` is the positive's score on one lane and 0 on the others.
 */
export function conclude(constants: Constants): string {
  return wgsl`
  var row: Row;
  row.log_sum_exp = largest + log(sum);
  let positive = team_sum(positive_here, lane);
  if (lane == 0u) { loss = first_of(loss_of(Score(weight_of(true, share, draws)), Score(positive), row)); }
#if ${constants.gradients}
  let target_row = target_of(t) * CELLS + lane;
  for (var e = 0u; e < EACH; e++) {
    if (lane + e * LANES < CELLS) {
      dstate[e] = share * (dstate[e] / sum - table_cell(target_row + e * LANES));
    }
  }
#endif
`;
}

/** WGSL, where slopes need the positive's score: that score. */
export function positiveFirst(state: (e: string) => string): string {
  return wgsl`
  var row: Row;
  {
    let target_row = target_of(t) * CELLS + lane;
    var partial = 0.0;
    for (var e = 0u; e < EACH; e++) {
      if (lane + e * LANES < CELLS) { partial += product(${state('e')}, table_cell(target_row + e * LANES)); }
    }
    row.positive = team_sum(partial, lane);
  }
`;
}

/** WGSL, where slopes need sums over the candidates: one more score of this lane's, `s` in slot `slot`, enters its own sums. */
export const SUM_CANDIDATE = /* wgsl */ `
  if (slot < params.k) {
    let larger = max(largest, s);
    sums = rebased(sums, largest, larger, row) + terms_of(s, larger, row);
    largest = larger;
  }
`;

/** WGSL, where slopes need sums over the candidates: the lanes' sums become one, and the loss is known. */
export const SUM_LANES = /* wgsl */ `
  row.largest = team_max(largest, lane);
  sums = rebased(sums, largest, row.largest, row);
  row.sums = vec4f(team_sum(sums.x, lane), team_sum(sums.y, lane), team_sum(sums.z, lane), team_sum(sums.w, lane));
  if (lane == 0u) { loss = first_of(loss_of(Score(weight_of(true, share, draws)), Score(row.positive), row)); }
`;

/** WGSL: the positive's slope is less the sum of the candidates'. `owner` is the lane that holds its slot. */
export function answerForPositive(gradients: boolean, owner: string): string {
  return wgsl`
#if ${gradients}
  pull = team_sum(pull, lane);
  let target_row = target_of(t) * CELLS + lane;
  for (var e = 0u; e < EACH; e++) {
    if (lane + e * LANES < CELLS) { dstate[e] -= pull * table_cell(target_row + e * LANES); }
  }
  if (inside && lane == ${owner}) { ds[t * slots + params.k] = -pull; } // after what it wrote there itself
#endif
`;
}

/**
 * WGSL: `ask(ids)` reads something of each cache line of four rows and returns 0, which no compiler can know. A CPU looks a few hundred
 * instructions ahead, hardly one row of the loop over rows, and so waits for one miss after the other; here all lanes' misses overlap.
 */
export function askWgsl({ D }: Constants): string {
  const cells = cellsOf(D);
  const line = cells.type === 'f32' ? 16 : 4; // cells in 64 bytes
  const first = cells.type === 'f32' ? '' : '.x';
  const read = (id: string) => `table_cell(ids.${id} * CELLS + c)${first}`;
  return wgsl`
fn ask(ids: vec4u) -> f32 {
  var sum = 0.0;
  for (var c = 0u; c < CELLS; c += ${line}u) { sum += (${read('x')} + ${read('y')}) + (${read('z')} + ${read('w')}); }
  return select(0.0, sum, params.T == 0u);
}
`;
}
