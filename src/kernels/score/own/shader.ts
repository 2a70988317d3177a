import { program } from '../../../engine/program.js';
import { type TableLayout, tableWgsl } from '../../../engine/table.js';
import { wgsl } from '../../../engine/wgsl.js';
import { cellsOf } from '../../cells.js';
import { TEAM_MAIN, type Team, teamWgsl } from '../../team.js';
import { JUDGES } from '../judges/index.js';
import { SAMPLERS } from '../samplers/index.js';

export interface Constants {
  D: number;
  team: Team;
  judge: string;
  sampler: string;
  table: TableLayout;
  /** Targets come with a weight each. */
  weighted: boolean;
  /** Whether dL/dh and dL/ds are wanted beside the loss. */
  gradients: boolean;
  /** Rows are asked for ahead of their use; of the variant with subgroups only. */
  ahead: boolean;
}

/** Slots 0 … k-1 of a token are its candidates, slot k its positive. `Score` is f32 or a vec4 of them. */
function common({ D, judge, sampler, table, weighted, gradients }: Constants, score: 'f32' | 'vec4f'): string {
  const cells = cellsOf(D);
  return wgsl`
alias Cell = ${cells.type};
alias Score = ${score};
const CELLS = ${cells.count}u;
const EACH = (CELLS + LANES - 1u) / LANES; // cells per lane
const LOWEST = -3.0e38f;
struct Params { T: u32, k: u32, scale: f32, ${JUDGES[judge].params} ${SAMPLERS[sampler].params} }
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
struct Row { positive: f32, log_sum_exp: f32 }
${SAMPLERS[sampler].wgsl(5)}${JUDGES[judge].wgsl}
fn product(a: Cell, b: Cell) -> f32 {
#if ${cells.type === 'f32'}
  return a * b;
#else
  return dot(a, b);
#endif
}
#if ${weighted}
fn target_of(t: u32) -> u32 { return targets[2u * t]; }
fn share_of(t: u32) -> f32 { return params.scale * bitcast<f32>(targets[2u * t + 1u]); }
#else
fn target_of(t: u32) -> u32 { return targets[t]; }
fn share_of(t: u32) -> f32 { return params.scale; }
#endif
fn slot_weight(slot: u32, share: f32) -> f32 {
  return select(0.0, weight_of(slot == params.k, share), slot <= params.k);
}
`;
}

/** WGSL: the team's shares of a token's loss become one number, and the gradient of h leaves the registers. */
function finish(constants: Constants): string {
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
function conclude(constants: Constants): string {
  return wgsl`
  var row: Row;
  row.log_sum_exp = largest + log(sum);
  let positive = team_sum(positive_here, lane);
  if (lane == 0u) { loss = first_of(loss_of(Score(weight_of(true, share)), Score(positive), row)); }
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

/** WGSL, where slopes need the positive's score: that score, and the sum of the slopes that the positive is to answer for. */
function positiveFirst(state: (e: string) => string): string {
  return wgsl`
  var row: Row;
  var pull = 0.0;
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

/** WGSL: the positive's slope is less the sum of the candidates'. `owner` is the lane that holds its slot. */
function answerForPositive(gradients: boolean, owner: string): string {
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
function askWgsl({ D }: Constants): string {
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

/**
 * One subgroup per token, its lanes across the columns: h, the gradient of h and four rows of the table at a time stay in registers, so
 * each row is read once, coalesced, and the four reads overlap. Bound by those reads, T (k + 1) D floats; sigmoid, sums over lanes and Philox come
 * on top. A lane holds the four slots that one Philox call draws; the lanes' quads are then visited one after the other.
 *
 * Where slopes need the log-sum-exp, the gradient of h is the sum of rows weighted by e^(s - largest so far), shrunk whenever the largest
 * grows (FlashAttention's trick: Dao et al. 2022), so that a row is visited once here too; the scores wait in `ds` for their slopes.
 */
export const subgroups = program('score.own.subgroups', (constants: Constants) => {
  const waits = JUDGES[constants.judge].needs === 'log_sum_exp';
  const pairs = JUDGES[constants.judge].needs === 'positive';
  return wgsl`${teamWgsl(constants.team)}${common(constants, 'vec4f')}
fn first_of(score: Score) -> f32 { return score.x; }
#if ${constants.ahead}
${askWgsl(constants)}
#endif
${TEAM_MAIN}
  let inside = team < params.T;
  let t = select(0u, team, inside); // teams past the end work on token 0 again and store nothing
  let slots = params.k + 1u;
  let share = share_of(t);

  var state: array<Cell, EACH>;
  var dstate: array<Cell, EACH>;
  for (var e = 0u; e < EACH; e++) {
    if (lane + e * LANES < CELLS) { state[e] = h[t * CELLS + lane + e * LANES]; }
  }
  var loss = 0.0;
#if ${waits}
  var largest = LOWEST;
  var sum = 0.0;
  var positive_here = 0.0;
#elif ${pairs}
${positiveFirst((e) => `state[${e}]`)}
#else
  var row: Row;
#endif
  for (var base = 0u; base < slots; base += 4u * LANES) {
    let first = base + 4u * lane;
    var mine = candidates4(t, first / 4u);
    for (var j = 0u; j < 4u; j++) {
      if (first + j == params.k) { mine[j] = target_of(t); }
    }
#if ${constants.ahead}
    if (first < slots) { loss += ask(mine); }
#endif
#if ${!waits}
    let w = vec4f(
      slot_weight(first, share), slot_weight(first + 1u, share), slot_weight(first + 2u, share), slot_weight(first + 3u, share),
    );
    var slopes = vec4f(0.0);
#endif
    var scores = vec4f(0.0);
    let quads = min(LANES, (slots - base + 3u) / 4u);
    for (var quad = 0u; quad < quads; quad++) {
      let rows = subgroupShuffle(mine, quad) * CELLS + lane;
      var row0: array<Cell, EACH>;
      var row1: array<Cell, EACH>;
      var row2: array<Cell, EACH>;
      var row3: array<Cell, EACH>;
      var partial = vec4f(0.0);
      for (var e = 0u; e < EACH; e++) {
        if (lane + e * LANES < CELLS) {
          let at = rows + e * LANES;
          row0[e] = table_cell(at.x);
          row1[e] = table_cell(at.y);
          row2[e] = table_cell(at.z);
          row3[e] = table_cell(at.w);
          partial += vec4f(
            product(state[e], row0[e]), product(state[e], row1[e]), product(state[e], row2[e]), product(state[e], row3[e]),
          );
        }
      }
      let s = subgroupAdd(partial);
      if (lane == quad) { scores = s; }
#if ${waits}
      let holds = base + 4u * quad + vec4u(0u, 1u, 2u, 3u) < vec4u(slots);
      let known = select(vec4f(LOWEST), s, holds);
      let larger = max(largest, max(max(known.x, known.y), max(known.z, known.w)));
      let shrink = exp(largest - larger);
      let slope = exp(known - vec4f(larger));
      largest = larger;
      sum = sum * shrink + ((slope.x + slope.y) + (slope.z + slope.w));
#if ${constants.gradients}
      for (var e = 0u; e < EACH; e++) {
        dstate[e] = dstate[e] * shrink + (slope.x * row0[e] + slope.y * row1[e] + slope.z * row2[e] + slope.w * row3[e]);
      }
#endif
#elif ${constants.gradients}
      let slope = slope_of(subgroupShuffle(w, quad), s, row);
      if (lane == quad) { slopes = slope; }
      for (var e = 0u; e < EACH; e++) {
        dstate[e] += slope.x * row0[e] + slope.y * row1[e] + slope.z * row2[e] + slope.w * row3[e];
      }
#endif
    }
#if ${waits}
    for (var j = 0u; j < 4u; j++) {
      if (first + j == params.k) { positive_here = scores[j]; }
#if ${constants.gradients}
      if (inside && first + j < slots) { ds[t * slots + first + j] = scores[j]; }
#endif
    }
#else
    loss += dot(loss_of(w, scores, row), vec4f(1.0));
#if ${pairs && constants.gradients}
    pull += dot(slopes, vec4f(1.0));
#endif
#endif
#if ${constants.gradients}
    for (var j = 0u; j < 4u; j++) {
      if (inside && first + j < slots) {
#if ${!waits}
        ds[t * slots + first + j] = slopes[j];
#endif
        ids[t * slots + first + j] = mine[j];
      }
    }
#endif
  }
#if ${waits}
  ${conclude(constants)}
#if ${constants.gradients}
  if (inside) {
    for (var base = 0u; base < slots; base += 4u * LANES) {
      for (var slot = base + 4u * lane; slot < min(base + 4u * lane + 4u, slots); slot++) {
        let s = ds[t * slots + slot]; // what this lane wrote
        ds[t * slots + slot] = first_of(slope_of(Score(slot_weight(slot, share)), Score(s), row));
      }
    }
  }
#endif
#endif
#if ${pairs}
${answerForPositive(constants.gradients, '(params.k % (4u * LANES)) / 4u')}
#endif
  ${finish(constants)}}
`;
});

/**
 * Without subgroups: one workgroup per token. Each lane scores a slot of its own, h being in workgroup memory; then the lanes share the
 * columns and add the slots' rows, now in the cache, to the gradient of h. Two visits a row, but two barriers for LANES rows.
 * Bound by the same reads, taken twice.
 */
export const workgroups = program('score.own.workgroups', (constants: Constants) => {
  const waits = JUDGES[constants.judge].needs === 'log_sum_exp';
  const pairs = JUDGES[constants.judge].needs === 'positive';
  return wgsl`${teamWgsl(constants.team)}${common(constants, 'f32')}
fn first_of(score: Score) -> f32 { return score; }
var<workgroup> state: array<Cell, CELLS>;
var<workgroup> visited: array<u32, LANES>;
var<workgroup> slopes: array<f32, LANES>;

${TEAM_MAIN}
  let inside = team < params.T;
  let t = select(0u, team, inside); // workgroups past the end work on token 0 again and store nothing
  let slots = params.k + 1u;
  let share = share_of(t);

  for (var c = lane; c < CELLS; c += LANES) { state[c] = h[t * CELLS + c]; }
  workgroupBarrier();
  var dstate: array<Cell, EACH>;
  var loss = 0.0;
#if ${waits}
  var largest = LOWEST;
  var sum = 0.0;
  var positive_here = 0.0;
#elif ${pairs}
${positiveFirst((e) => `state[lane + ${e} * LANES]`)}
#else
  var row: Row;
#endif
  for (var base = 0u; base < slots; base += LANES) {
    let slot = base + lane;
    var id = 0u;
    if (slot < params.k) {
      id = candidates4(t, slot / 4u)[slot % 4u];
    } else if (slot == params.k) {
      id = target_of(t);
    }
    var s = 0.0;
    if (slot < slots) {
      for (var c = 0u; c < CELLS; c++) { s += product(state[c], table_cell(id * CELLS + c)); }
    }
#if ${waits}
    if (slot == params.k) { positive_here = s; }
    let known = select(LOWEST, s, slot < slots);
    let larger = max(largest, team_max(known, lane));
    let shrink = exp(largest - larger);
    let slope = exp(known - larger);
    largest = larger;
    sum = sum * shrink + team_sum(slope, lane);
#else
    let w = slot_weight(slot, share);
    loss += loss_of(w, s, row);
#if ${constants.gradients}
    let slope = slope_of(w, s, row);
#if ${pairs}
    pull += slope;
#endif
#endif
#endif
#if ${constants.gradients}
    visited[lane] = id;
    slopes[lane] = slope;
    if (inside && slot < slots) {
#if ${waits}
      ds[t * slots + slot] = s;
#else
      ds[t * slots + slot] = slope;
#endif
      ids[t * slots + slot] = id;
    }
    workgroupBarrier();
    let count = min(LANES, slots - base);
    for (var e = 0u; e < EACH; e++) {
      let c = lane + e * LANES;
      if (c < CELLS) {
#if ${waits}
        dstate[e] *= shrink;
#endif
        for (var i = 0u; i < count; i++) { dstate[e] += slopes[i] * table_cell(visited[i] * CELLS + c); }
      }
    }
    workgroupBarrier();
#endif
  }
#if ${waits}
  ${conclude(constants)}
#if ${constants.gradients}
  if (inside) {
    for (var slot = lane; slot < slots; slot += LANES) {
      let s = ds[t * slots + slot]; // what this lane wrote
      ds[t * slots + slot] = slope_of(slot_weight(slot, share), s, row);
    }
  }
#endif
#endif
#if ${pairs}
${answerForPositive(constants.gradients, 'params.k % LANES')}
#endif
  ${finish(constants)}}
`;
});
