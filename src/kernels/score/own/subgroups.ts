import { program } from '../../../engine/program.js';
import { wgsl } from '../../../engine/wgsl.js';
import { teamMain, teamWgsl } from '../../team.js';
import { JUDGES } from '../judges/index.js';
import {
  answerForPositive,
  askWgsl,
  type Constants,
  common,
  conclude,
  finish,
  positiveFirst,
  SUM_CANDIDATE,
  SUM_LANES,
} from './parts.js';

/**
 * One subgroup per token, its lanes across the columns: h, the gradient of h and four rows of the table at a time stay in registers, so
 * each row is read once, coalesced, and the four reads overlap. Bound by those reads, T (k + 1) D floats; sigmoid, sums over lanes and Philox come
 * on top. A lane holds the four slots that one Philox call draws; the lanes' quads are then visited one after the other.
 *
 * Where slopes need the log-sum-exp, the gradient of h is the sum of rows weighted by e^(s - largest so far), shrunk whenever the largest
 * grows (FlashAttention's trick: Dao et al. 2022), so that a row is visited once here too; the scores wait in `ds` for their slopes. Where slopes need
 * sums over the candidates, rows are visited again when these are known.
 */
export const subgroups = program('score.own.subgroups', (constants: Constants) => {
  const waits = JUDGES[constants.judge].needs === 'log_sum_exp';
  const pairs = JUDGES[constants.judge].needs === 'positive';
  const sums = JUDGES[constants.judge].needs === 'softmax';
  const later = waits || sums; // slopes are known when all scores are
  return wgsl`${teamWgsl(constants.team)}${common(constants, 'vec4f')}
fn first_of(score: Score) -> f32 { return score.x; }
#if ${constants.ahead}
${askWgsl(constants)}
#endif
${teamMain(constants.team)}
  let inside = team < params.T;
  let t = select(0u, team, inside); // teams past the end work on token 0 again and store nothing
  let slots = params.k + 1u;
  let share = share_of(t);
  let draws = draws_of(t);

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
#elif ${pairs || sums}
${positiveFirst((e) => `state[${e}]`)}
#if ${pairs}
  var pull = 0.0; // the sum of the slopes that the positive is to answer for
#else
  var largest = LOWEST;
  var sums = vec4f(0.0);
#endif
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
#if ${constants.logQ !== 'none'}
    var corrections: vec4f;
    for (var j = 0u; j < 4u; j++) { corrections[j] = slot_correction(t, first + j, mine[j]); }
#endif
#if ${!later}
    let w = vec4f(
      slot_weight(first, share, draws), slot_weight(first + 1u, share, draws),
      slot_weight(first + 2u, share, draws), slot_weight(first + 3u, share, draws),
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
#if ${constants.logQ === 'none'}
      let s = subgroupAdd(partial);
#else
      let s = subgroupAdd(partial) + subgroupShuffle(corrections, quad);
#endif
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
#elif ${constants.gradients && !sums}
      let slope = slope_of(subgroupShuffle(w, quad), s, row);
      if (lane == quad) { slopes = slope; }
      for (var e = 0u; e < EACH; e++) {
        dstate[e] += slope.x * row0[e] + slope.y * row1[e] + slope.z * row2[e] + slope.w * row3[e];
      }
#endif
    }
#if ${later}
    for (var j = 0u; j < 4u; j++) {
      let slot = first + j;
      let s = scores[j];
#if ${waits}
      if (slot == params.k) { positive_here = s; }
#else
${SUM_CANDIDATE}
#endif
#if ${constants.gradients}
      if (inside && slot < slots) { ds[t * slots + slot] = s; }
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
#if ${!later}
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
        ds[t * slots + slot] = first_of(slope_of(Score(slot_weight(slot, share, draws)), Score(s), row));
      }
    }
  }
#endif
#endif
#if ${sums}
${SUM_LANES}
#if ${constants.gradients}
  for (var base = 0u; base < slots; base += 4u * LANES) {
    let first = base + 4u * lane;
    var mine = vec4u(0u);
    var slopes = vec4f(0.0);
    for (var j = 0u; j < 4u; j++) {
      let slot = first + j;
      if (inside && slot < slots) { // what this lane wrote
        let at = t * slots + slot;
        mine[j] = ids[at];
        slopes[j] = first_of(slope_of(Score(slot_weight(slot, share, draws)), Score(ds[at]), row));
        ds[at] = slopes[j];
      }
    }
    let quads = min(LANES, (slots - base + 3u) / 4u);
    for (var quad = 0u; quad < quads; quad++) {
      let rows = subgroupShuffle(mine, quad) * CELLS + lane;
      let slope = subgroupShuffle(slopes, quad);
      for (var e = 0u; e < EACH; e++) {
        if (lane + e * LANES < CELLS) {
          let at = rows + e * LANES;
          dstate[e] += slope.x * table_cell(at.x) + slope.y * table_cell(at.y) + slope.z * table_cell(at.z) + slope.w * table_cell(at.w);
        }
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
