import { program } from '../../../engine/program.js';
import { wgsl } from '../../../engine/wgsl.js';
import { type Team, teamMain, teamWgsl } from '../../team.js';
import { ROW_WGSL } from '../judge.js';
import { JUDGES } from '../judges/index.js';
import { targetsWgsl } from '../targets.js';

export interface JudgeConstants {
  team: Team;
  judge: string;
  /**
   * What a tile is read for: to `reduce` its scores to the running maximum and sum of each token; to `judge` them, knowing the log-sum-exp or the sums
   * over candidates if the judge needs them; or, where the tile is the whole catalogue, both `at_once`.
   */
  pass: 'reduce' | 'judge' | 'at_once';
  /** Nothing is known of these tokens from earlier tiles. */
  firstTile: boolean;
  weighted: boolean;
  gradients: boolean;
  /**
   * Candidates are those of lists, and positives are scored apart; else the candidates are neighbouring items, the positive among them. `others`: a candidate
   * that is the token's positive does not count. `corrected`: scores are less the log of how often their items are in such a list.
   */
  lists?: { others: boolean; corrected: boolean };
}

/**
 * Judges a tile of scores, M tokens by W items, and puts their slopes in the scores' place. One team a token. Bound by reading the tile once or
 * twice and writing it once, while it is in the cache, and by one exponential a score.
 */
export const judgeTile = program('score.catalogue.judge', (constants: JudgeConstants) => {
  const { judge, pass, firstTile, weighted, gradients, lists } = constants;
  const apart = lists !== undefined;
  const corrected = lists?.corrected === true;
  const isItem = lists
    ? `(items != vec4u(0u))${lists.others ? ' & (items != vec4u(positive_item))' : ''}`
    : '(items >= vec4u(1u)) & (items <= vec4u(params.N))';
  const waits = JUDGES[judge].needs === 'log_sum_exp';
  const pairs = JUDGES[judge].needs === 'positive';
  const sums = JUDGES[judge].needs === 'softmax';
  const reduces = waits && pass !== 'judge';
  const judges = pass !== 'reduce';
  return wgsl`${teamWgsl(constants.team)}
alias Score = vec4f;
const LOWEST = -3.0e38f;
struct Params {
  M: u32, W: u32,
  first: u32, // token of the lists' tile, item of the catalogue's
#if ${!apart}
  N: u32,
#endif
  scale: f32, ${JUDGES[judge].params}
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> scores: array<vec4<f32>>; // [M, W]; slopes afterwards
#if ${judges || pairs || sums}
@group(0) @binding(2) var<storage, read> targets: array<u32>; // [M]; weighted [M, 2]
#endif
#if ${judges}
@group(0) @binding(3) var<storage, read_write> losses: array<f32>; // [M]
#endif
#if ${apart || pairs || sums || (waits && pass !== 'at_once')}
// [M, 2]: the largest score so far and the sum of e^(s - largest); or the positive's score and its slope as far as it is known
@group(0) @binding(4) var<storage, read_write> running: array<vec2<f32>>;
#endif
#if ${apart}
@group(0) @binding(5) var<storage, read> candidates: array<vec4<u32>>; // [lists, W]; 0 is none
@group(0) @binding(6) var<storage, read> list_of: array<u32>; // [T]
#endif
#if ${sums && pass !== 'at_once'}
@group(0) @binding(7) var<storage, read_write> summed: array<vec4<f32>>; // [M, 2, 4]: the candidates' largest score so far; sums relative to it
#endif
#if ${corrected}
@group(0) @binding(7) var<storage, read> log_draws: array<vec4<f32>>; // [lists, W]
#endif
${ROW_WGSL}${JUDGES[judge].wgsl}
#if ${judges || pairs || sums}
${targetsWgsl(weighted)}
#endif
fn is_item(items: vec4u, positive_item: u32) -> vec4<bool> { return ${isItem}; }
fn items4(list: u32, c: u32) -> vec4u {
#if ${apart}
  return candidates[list + c];
#else
  return params.first + 4u * c + vec4u(0u, 1u, 2u, 3u);
#endif
}
fn score4(t: u32, list: u32, c: u32, width: u32) -> vec4f {
#if ${corrected}
  return scores[t * width + c] - log_draws[list + c];
#else
  return scores[t * width + c];
#endif
}
fn largest_of(s: vec4f) -> f32 { return max(max(s.x, s.y), max(s.z, s.w)); }
fn sum_of(s: vec4f) -> f32 { return (s.x + s.y) + (s.z + s.w); }
${teamMain(constants.team)}
  let inside = team < params.M;
  let t = select(0u, team, inside); // teams past the end work on token 0 again and store nothing
  let width = params.W / 4u;
  var row: Row;
#if ${apart}
  let token = params.first + t;
  let list = list_of[token] * width;
  let positive_score = running[token].x;
#else
  let token = t;
  let list = 0u;
#endif
#if ${judges || pairs || sums}
  let target_item = target_of(token);
#else
  let target_item = 0u; // not asked for
#endif
#if ${reduces}
  var largest = ${apart ? 'positive_score' : 'LOWEST'};
  for (var c = lane; c < width; c += LANES) {
    let items = items4(list, c);
    largest = max(largest, largest_of(select(vec4f(LOWEST), score4(t, list, c, width), is_item(items, target_item))));
  }
  largest = team_max(largest, lane);
  var sum = 0.0;
#if ${apart}
  if (lane == 0u) { sum = exp(positive_score - largest); }
#endif
#if ${pass === 'reduce' && !firstTile}
  let before = running[t];
  largest = max(largest, before.x);
  if (lane == 0u) { sum = before.y * exp(before.x - largest); }
#endif
  for (var c = lane; c < width; c += LANES) {
    let items = items4(list, c);
    sum += sum_of(select(vec4f(0.0), exp(score4(t, list, c, width) - vec4f(largest)), is_item(items, target_item)));
  }
  sum = team_sum(sum, lane);
#if ${pass === 'reduce'}
  if (inside && lane == 0u) { running[t] = vec2f(largest, sum); }
#else
  row.log_sum_exp = largest + log(sum);
#endif
#elif ${waits}
  row.log_sum_exp = running[t].x + log(running[t].y);
#endif
#if ${apart}
  row.positive = positive_score;
#elif ${pairs && pass !== 'judge'}
  var positive_here = 0.0;
  for (var c = lane; c < width; c += LANES) {
    let items = items4(list, c);
    positive_here += sum_of(select(vec4f(0.0), scores[t * width + c], items == vec4u(target_item)));
  }
  positive_here = team_sum(positive_here, lane);
#if ${pass === 'reduce'}
#if ${!firstTile}
  positive_here += running[t].x;
#endif
  if (inside && lane == 0u) { running[t] = vec2f(positive_here, 0.0); }
#else
  row.positive = positive_here;
#endif
#elif ${pairs || sums}
  row.positive = running[t].x;
#endif
#if ${sums && pass !== 'judge'}
${sumTile({ further: pass === 'reduce' && !firstTile, apart })}
#if ${pass === 'reduce'}
  if (inside && lane == 0u) {
    summed[2u * t] = vec4f(row.largest, 0.0, 0.0, 0.0);
    summed[2u * t + 1u] = row.sums;
  }
#endif
#elif ${sums}
  row.largest = summed[2u * t].x;
  row.sums = summed[2u * t + 1u];
#endif
#if ${judges}
  var share = share_of(token);
#if ${sums && apart}
  if (row.largest == LOWEST) { // no candidates, no loss
    share = 0.0;
    row.largest = 0.0;
    row.sums = vec4f(1.0);
  }
#endif
  let negative = weight_of(false, share, 0.0);
  let positive = weight_of(true, share, 0.0);
  var loss = 0.0;
#if ${pairs}
  var pull = 0.0;
#endif
  for (var c = lane; c < width; c += LANES) {
    let items = items4(list, c);
    let is_target = ${apart ? 'vec4<bool>(false)' : 'items == vec4u(target_item)'};
    let w = select(vec4f(0.0), select(vec4f(negative), vec4f(positive), is_target), is_item(items, target_item));
    let s = score4(t, list, c, width);
#if ${waits || sums}
    if (any(is_target)) { loss += sum_of(select(vec4f(0.0), loss_of(w, s, row), is_target)); }
#else
    loss += sum_of(loss_of(w, s, row));
#endif
#if ${gradients}
    let slope = select(vec4f(0.0), slope_of(w, s, row), w != vec4f(0.0));
    if (inside) { scores[t * width + c] = slope; }
#if ${pairs}
    pull += sum_of(slope);
#endif
#endif
  }
#if ${pairs}
  pull = team_sum(pull, lane);
#if ${pass === 'at_once'}
  if (inside && lane == 0u) { running[token] = vec2f(row.positive, -pull); }
#else
  if (inside && lane == 0u) { running[token].y -= pull; }
#endif
#elif ${apart && gradients}
  if (inside && lane == 0u) { running[token].y = slope_of(vec4f(positive), vec4f(positive_score), row).x; }
#endif
#if ${apart}
  if (lane == 0u) { loss += loss_of(vec4f(positive), vec4f(positive_score), row).x; }
#endif
  loss = team_sum(loss, lane);
#if ${firstTile}
  if (inside && lane == 0u) { losses[token] = loss; }
#else
  if (inside && lane == 0u) { losses[token] += loss; }
#endif
#endif
}
`;
});

/**
 * WGSL: `row.largest` and `row.sums` of a token's candidates in this tile, after the sums of earlier tiles if `further`. With `apart` the positive is not
 * among the items. Each lane keeps its own largest score
 * and sums, so that the tile is read once.
 */
function sumTile({ further, apart }: { further: boolean; apart: boolean }): string {
  return wgsl`
  var sums = vec4f(0.0);
  row.largest = LOWEST;
#if ${further}
  row.largest = summed[2u * t].x;
  if (lane == 0u) { sums = summed[2u * t + 1u]; }
#endif
  var largest = row.largest;
  for (var c = lane; c < width; c += LANES) {
    let items = items4(list, c);
    let counts = is_item(items, target_item)${apart ? '' : ' & (items != vec4u(target_item))'};
    let s = score4(t, list, c, width);
    for (var j = 0u; j < 4u; j++) {
      if (!counts[j]) { continue; }
      let larger = max(largest, s[j]);
      sums = rebased(sums, largest, larger, row) + terms_of(s[j], larger, row);
      largest = larger;
    }
  }
  row.largest = team_max(largest, lane);
  sums = rebased(sums, largest, row.largest, row);
  row.sums = vec4f(team_sum(sums.x, lane), team_sum(sums.y, lane), team_sum(sums.z, lane), team_sum(sums.w, lane));
`;
}
