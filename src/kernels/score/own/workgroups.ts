import { program } from '../../../engine/program.js';
import { wgsl } from '../../../engine/wgsl.js';
import { teamMain, teamWgsl } from '../../team.js';
import { JUDGES } from '../judges/index.js';
import {
  answerForPositive,
  type Constants,
  common,
  conclude,
  finish,
  positiveFirst,
  SUM_CANDIDATE,
  SUM_LANES,
} from './parts.js';

/**
 * Without subgroups: one workgroup per token. Each lane scores a slot of its own, h being in workgroup memory; then the lanes share the
 * columns and add the slots' rows, now in the cache, to the gradient of h. Two visits a row, but two barriers for LANES rows.
 * Bound by the same reads, taken twice.
 */
export const workgroups = program('score.own.workgroups', (constants: Constants) => {
  const waits = JUDGES[constants.judge].needs === 'log_sum_exp';
  const pairs = JUDGES[constants.judge].needs === 'positive';
  const sums = JUDGES[constants.judge].needs === 'softmax';
  const addRows = wgsl`
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
`;
  return wgsl`${teamWgsl(constants.team)}${common(constants, 'f32')}
fn first_of(score: Score) -> f32 { return score; }
var<workgroup> state: array<Cell, CELLS>;
var<workgroup> visited: array<u32, LANES>;
var<workgroup> slopes: array<f32, LANES>;

${teamMain(constants.team)}
  let inside = team < params.T;
  let t = select(0u, team, inside); // workgroups past the end work on token 0 again and store nothing
  let slots = params.k + 1u;
  let share = share_of(t);
  let draws = draws_of(t);

  for (var c = lane; c < CELLS; c += LANES) { state[c] = h[t * CELLS + c]; }
  workgroupBarrier();
  var dstate: array<Cell, EACH>;
  var loss = 0.0;
#if ${waits}
  var largest = LOWEST;
  var sum = 0.0;
  var positive_here = 0.0;
#elif ${pairs || sums}
${positiveFirst((e) => `state[lane + ${e} * LANES]`)}
#if ${pairs}
  var pull = 0.0; // the sum of the slopes that the positive is to answer for
#else
  var largest = LOWEST;
  var sums = vec4f(0.0);
#endif
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
#if ${constants.logQ !== 'none'}
      s += slot_correction(t, slot, id);
#endif
    }
#if ${waits}
    if (slot == params.k) { positive_here = s; }
    let known = select(LOWEST, s, slot < slots);
    let larger = max(largest, team_max(known, lane));
    let shrink = exp(largest - larger);
    let slope = exp(known - larger);
    largest = larger;
    sum = sum * shrink + team_sum(slope, lane);
#elif ${sums}
${SUM_CANDIDATE}
#else
    let w = slot_weight(slot, share, draws);
    loss += loss_of(w, s, row);
#if ${constants.gradients}
    let slope = slope_of(w, s, row);
#if ${pairs}
    pull += slope;
#endif
#endif
#endif
#if ${constants.gradients}
#if ${!sums}
    visited[lane] = id;
    slopes[lane] = slope;
#endif
    if (inside && slot < slots) {
#if ${waits || sums}
      ds[t * slots + slot] = s;
#else
      ds[t * slots + slot] = slope;
#endif
      ids[t * slots + slot] = id;
    }
#if ${!sums}
${addRows}
#endif
#endif
  }
#if ${waits}
  ${conclude(constants)}
#if ${constants.gradients}
  if (inside) {
    for (var slot = lane; slot < slots; slot += LANES) {
      let s = ds[t * slots + slot]; // what this lane wrote
      ds[t * slots + slot] = slope_of(slot_weight(slot, share, draws), s, row);
    }
  }
#endif
#endif
#if ${sums}
${SUM_LANES}
#if ${constants.gradients}
  for (var base = 0u; base < slots; base += LANES) {
    let slot = base + lane;
    visited[lane] = 0u;
    slopes[lane] = 0.0;
    if (inside && slot < slots) { // what this lane wrote
      let at = t * slots + slot;
      visited[lane] = ids[at];
      slopes[lane] = slope_of(slot_weight(slot, share, draws), ds[at], row);
      ds[at] = slopes[lane];
    }
${addRows}
  }
#endif
#endif
#if ${pairs}
${answerForPositive(constants.gradients, 'params.k % LANES')}
#endif
  ${finish(constants)}}
`;
});
