import { program } from '../../../engine/program.js';
import { type TableLayout, tableWgsl } from '../../../engine/table.js';
import { wgsl } from '../../../engine/wgsl.js';
import { cellsOf } from '../../cells.js';
import { type Team, teamMain, teamWgsl } from '../../team.js';
import { SAMPLERS } from '../samplers/index.js';

export interface Constants {
  D: number;
  team: Team;
  sampler: string;
  table: TableLayout;
}

/**
 * One team per token scores all its candidates, its lanes across the columns (without subgroups a lane scores its own), and keeps the m of the highest scores. Scores wait as keys, integers in
 * the same order, each where the lane that wrote it reads it again, so that no barrier is needed. The key of rank m is found bit by bit: of two
 * halves of what it can still be, the upper one if m keys are in it or above. Then the ids, drawn anew, are written in the order of their slots.
 * Equal scores: the lower slot first. Bound by reading k rows.
 */
export const hardest = program('score.hardest', ({ D, team, sampler, table }: Constants) => {
  const { type, count } = cellsOf(D);
  const { params, wgsl: sampled } = SAMPLERS[sampler];
  return wgsl`${teamWgsl(team)}
alias Cell = ${type};
const CELLS = ${count}u;
const EACH = (CELLS + LANES - 1u) / LANES; // cells per lane
struct Params { T: u32, k: u32, m: u32, ${params} }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> h: array<${type}>; // [T, D]
${tableWgsl('table', 2, { cell: type, cells: 'CELLS', layout: table })}
@group(0) @binding(3) var<storage, read_write> keys: array<u32>; // [T, k] scratch
@group(0) @binding(4) var<storage, read_write> ids: array<u32>; // [T, m]
${sampled(5)}
fn product(a: Cell, b: Cell) -> f32 {
#if ${type === 'f32'}
  return a * b;
#else
  return dot(a, b);
#endif
}
/** In the order of scores: negative numbers have their bits turned over, the others their sign. */
fn key_of(score: f32) -> u32 {
  let bits = bitcast<u32>(score);
  return bits ^ select(0x80000000u, 0xffffffffu, bits >= 0x80000000u);
}
fn keep(t: u32, first: u32, scores: vec4f) {
  for (var j = 0u; j < min(4u, params.k - first); j++) { keys[t * params.k + first + j] = key_of(scores[j]); }
}
/** The sum of what the lanes before this one have: counts, which are exact in f32. */
#if ${team.subgroups}
fn team_before(value: f32, lane: u32) -> f32 { return subgroupExclusiveAdd(value); }
#else
fn team_before(value: f32, lane: u32) -> f32 {
  team_scratch[lane] = value;
  workgroupBarrier();
  var sum = 0.0;
  for (var i = 0u; i < lane; i++) { sum += team_scratch[i]; }
  workgroupBarrier();
  return sum;
}
#endif
/** How many of this lane's keys are at least so high. */
fn count_from(t: u32, least: u32, lane: u32) -> f32 {
  var count = 0.0;
  for (var base = 4u * lane; base < params.k; base += 4u * LANES) {
    for (var slot = base; slot < min(base + 4u, params.k); slot++) {
      count += select(0.0, 1.0, keys[t * params.k + slot] >= least);
    }
  }
  return count;
}

${teamMain(team)}
  let inside = team < params.T;
  let t = select(0u, team, inside); // teams past the end work on token 0 again and store nothing
#if ${team.subgroups}
  var state: array<Cell, EACH>;
  for (var e = 0u; e < EACH; e++) {
    if (lane + e * LANES < CELLS) { state[e] = h[t * CELLS + lane + e * LANES]; }
  }
  for (var base = 0u; base < params.k; base += 4u) {
    let rows = candidates4(t, base / 4u) * CELLS + lane;
    var partial = vec4f(0.0);
    for (var e = 0u; e < EACH; e++) {
      if (lane + e * LANES < CELLS) {
        let at = rows + e * LANES;
        partial += vec4f(
          product(state[e], table_cell(at.x)), product(state[e], table_cell(at.y)),
          product(state[e], table_cell(at.z)), product(state[e], table_cell(at.w)),
        );
      }
    }
    let scores = subgroupAdd(partial);
    if (inside && lane == (base / 4u) % LANES) { keep(t, base, scores); }
  }
#else
  for (var base = 4u * lane; base < params.k; base += 4u * LANES) {
    let rows = candidates4(t, base / 4u) * CELLS;
    var scores = vec4f(0.0);
    for (var c = 0u; c < CELLS; c++) {
      let cell = h[t * CELLS + c];
      scores += vec4f(
        product(cell, table_cell(rows.x + c)), product(cell, table_cell(rows.y + c)),
        product(cell, table_cell(rows.z + c)), product(cell, table_cell(rows.w + c)),
      );
    }
    if (inside) { keep(t, base, scores); }
  }
#endif

  let wanted = f32(params.m);
  var least = 0u; // the highest number that at least m keys reach
  for (var bit = 0x80000000u; bit > 0u; bit = bit >> 1u) {
    if (team_sum(count_from(t, least | bit, lane), lane) >= wanted) { least |= bit; }
  }
  var above = 0.0;
  if (least < 0xffffffffu) { above = count_from(t, least + 1u, lane); }
  let ties_left = wanted - team_sum(above, lane);

  var ties_before = 0.0;
  var chosen_before = 0.0;
  for (var base = 0u; base < params.k; base += 4u * LANES) {
    let first = base + 4u * lane;
    var tie = vec4<bool>();
    var chosen = vec4<bool>();
    for (var j = 0u; j < 4u; j++) {
      if (first + j < params.k) {
        let key = keys[t * params.k + first + j];
        tie[j] = key == least;
        chosen[j] = key > least;
      }
    }
    let ties = dot(select(vec4f(0.0), vec4f(1.0), tie), vec4f(1.0));
    var rank = ties_before + team_before(ties, lane);
    for (var j = 0u; j < 4u; j++) {
      if (tie[j]) {
        chosen[j] = rank < ties_left;
        rank += 1.0;
      }
    }
    let count = dot(select(vec4f(0.0), vec4f(1.0), chosen), vec4f(1.0));
    var at = u32(chosen_before + team_before(count, lane));
    if (inside && count > 0.0) {
      let drawn = candidates4(t, first / 4u);
      for (var j = 0u; j < 4u; j++) {
        if (chosen[j]) {
          ids[t * params.m + at] = drawn[j];
          at++;
        }
      }
    }
    ties_before += team_sum(ties, lane);
    chosen_before += team_sum(count, lane);
  }
}
`;
});
