import { PHILOX_WGSL } from '../../../base/philox.js';
import { program } from '../../../engine/program.js';
import { wgsl } from '../../../engine/wgsl.js';
import { cellsOf } from '../../cells.js';
import { TEAM_MAIN, type Team, teamWgsl } from '../../team.js';
import { NEGATIVES_WGSL } from '../negatives/draw.js';

export interface Constants {
  D: number;
  team: Team;
  /** Negatives are read from `negatives`, else drawn. */
  given: boolean;
  /** Whether dL/dh and dL/ds are wanted beside the loss. */
  gradients: boolean;
  /** Rows are asked for ahead of their use; of the variant with subgroups only. */
  ahead: boolean;
}

/**
 * Slots 0 … k-1 of a token are its negatives, slot k its positive. A slot's weight w is scale for a negative, -beta scale for the
 * positive and 0 beyond, scale = 1 / (T (k + 1)); then its share of the loss is |w| softplus(x) and dL/ds = w sigmoid(x) with
 * x = sign(w) s, both stable: exp is taken of -|x| alone, and log(1 + e) = 2 artanh(e / (2 + e)) by its series, good to f32 for e <= 1.
 * `Score` is f32 or a vec4 of them.
 */
function common({ D, given, gradients }: Constants, score: 'f32' | 'vec4f'): string {
  const cells = cellsOf(D);
  return wgsl`
#if ${!given}
${PHILOX_WGSL}${NEGATIVES_WGSL}
#endif
alias Cell = ${cells.type};
alias Score = ${score};
const CELLS = ${cells.count}u;
const EACH = (CELLS + LANES - 1u) / LANES; // cells a lane
struct Params { T: u32, k: u32, beta: f32, scale: f32, ${given ? '' : 'items: u32, seed: u32, step: u32, first: u32'} }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> h: array<${cells.type}>; // [T, D]
@group(0) @binding(2) var<storage, read> table: array<${cells.type}>; // [N + 2, D]
@group(0) @binding(3) var<storage, read> targets: array<u32>; // [T]
@group(0) @binding(4) var<storage, read_write> losses: array<f32>; // [T]
#if ${given}
@group(0) @binding(5) var<storage, read> negatives: array<u32>; // [T, k]
#endif
#if ${gradients}
@group(0) @binding(6) var<storage, read_write> dh: array<${cells.type}>; // [T, D]
@group(0) @binding(7) var<storage, read_write> ds: array<f32>; // [T, k + 1]
@group(0) @binding(8) var<storage, read_write> ids: array<u32>; // [T, k + 1]
#endif

fn product(a: Cell, b: Cell) -> f32 {
#if ${cells.type === 'f32'}
  return a * b;
#else
  return dot(a, b);
#endif
}
fn softplus(x: Score) -> Score {
  let e = exp(-abs(x));
  let z = e / (2.0 + e);
  let y = z * z;
  let series = 1.0 + y * (1.0 / 3.0 + y * (1.0 / 5.0 + y * (1.0 / 7.0 + y * (1.0 / 9.0 + y * (1.0 / 11.0 + y * (1.0 / 13.0))))));
  return max(x, Score(0.0)) + 2.0 * z * series;
}
fn sigmoid(x: Score) -> Score {
  let e = exp(-abs(x));
  return select(e, Score(1.0), x >= Score(0.0)) / (1.0 + e);
}
fn weight_of(slot: u32) -> f32 {
  if (slot < params.k) { return params.scale; }
  return select(0.0, -params.beta * params.scale, slot == params.k);
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
 * WGSL: `ask(ids)` reads something of each cache line of four rows and returns 0, which no compiler can know. A CPU looks a few hundred
 * instructions ahead, hardly one row of the loop over rows, and so waits for one miss after the other; here all lanes' misses overlap.
 */
function askWgsl({ D }: Constants): string {
  const cells = cellsOf(D);
  const line = cells.type === 'f32' ? 16 : 4; // cells in 64 bytes
  const first = cells.type === 'f32' ? '' : '.x';
  const read = (id: string) => `table[ids.${id} * CELLS + c]${first}`;
  return wgsl`
fn ask(ids: vec4u) -> f32 {
  var sum = 0.0;
  for (var c = 0u; c < CELLS; c += ${line}u) { sum += (${read('x')} + ${read('y')}) + (${read('z')} + ${read('w')}); }
  return select(0.0, sum, params.T == 0u);
}
`;
}

/**
 * One subgroup a token, its lanes across the columns: h, the gradient of h and four rows of the table at a time stay in registers, so
 * each row is read once, coalesced, and the four reads overlap. Bound by those reads, T (k + 1) D floats. Measured on lavapipe, D = 128,
 * k = 256, in CPU time a row: 180 ns, of which the reads alone are 110; sigmoid, sums over lanes and Philox are 10 to 20 each.
 * A lane holds the four slots that one Philox call draws; the lanes' quads are then visited one after the other. Of lavapipe's roofline
 * the forward attains 68 to 84 % at this shape with 3,200 tokens, since the table of 3,416 items stays in the cache, and half at D = 64,
 * k = 32; the backward, which groups and sums the table's gradient, 57 to 66 % and 36 to 46 %. Of a table beyond the cache, 54,542 items at
 * D = 64, both attain two fifths.
 * `ahead`, T = 3,200, k = 256, D = 32: 52 ms instead of 147 with 1e6 items, 33 instead of 30 with 1e3, which are in the cache anyway.
 */
export const subgroups = program(
  'sampled_gbce.subgroups',
  (constants: Constants) => wgsl`${teamWgsl(constants.team)}${common(constants, 'vec4f')}
#if ${constants.ahead}
${askWgsl(constants)}
#endif
${TEAM_MAIN}
  let inside = team < params.T;
  let t = select(0u, team, inside); // teams past the end work on token 0 again and store nothing
  let slots = params.k + 1u;

  var state: array<Cell, EACH>;
  var dstate: array<Cell, EACH>;
  for (var e = 0u; e < EACH; e++) {
    if (lane + e * LANES < CELLS) { state[e] = h[t * CELLS + lane + e * LANES]; }
  }
  var loss = 0.0;
  for (var base = 0u; base < slots; base += 4u * LANES) {
    let first = base + 4u * lane;
#if ${constants.given}
    var mine = vec4u(0u);
    for (var j = 0u; j < 4u; j++) {
      if (first + j < params.k) { mine[j] = negatives[t * params.k + first + j]; }
    }
#else
    var mine = negatives4(params.first + t, first / 4u, params.items, vec2u(params.seed, params.step));
#endif
    for (var j = 0u; j < 4u; j++) {
      if (first + j == params.k) { mine[j] = targets[t]; }
    }
#if ${constants.ahead}
    if (first < slots) { loss += ask(mine); }
#endif
    let w = vec4f(weight_of(first), weight_of(first + 1u), weight_of(first + 2u), weight_of(first + 3u));
    var scores = vec4f(0.0);
    var slopes = vec4f(0.0);
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
          row0[e] = table[at.x];
          row1[e] = table[at.y];
          row2[e] = table[at.z];
          row3[e] = table[at.w];
          partial += vec4f(
            product(state[e], row0[e]), product(state[e], row1[e]), product(state[e], row2[e]), product(state[e], row3[e]),
          );
        }
      }
      let s = subgroupAdd(partial);
      if (lane == quad) { scores = s; }
#if ${constants.gradients}
      let weight = subgroupShuffle(w, quad);
      let slope = weight * sigmoid(sign(weight) * s);
      if (lane == quad) { slopes = slope; }
      for (var e = 0u; e < EACH; e++) {
        dstate[e] += slope.x * row0[e] + slope.y * row1[e] + slope.z * row2[e] + slope.w * row3[e];
      }
#endif
    }
    loss += dot(abs(w), softplus(sign(w) * scores));
#if ${constants.gradients}
    for (var j = 0u; j < 4u; j++) {
      if (inside && first + j < slots) {
        ds[t * slots + first + j] = slopes[j];
        ids[t * slots + first + j] = mine[j];
      }
    }
#endif
  }
${finish(constants)}}
`,
);

/**
 * Without subgroups: one workgroup a token. Each lane scores a slot of its own, h being in workgroup memory; then the lanes share the
 * columns and add the slots' rows, now in the cache, to the gradient of h. Two visits a row, but two barriers for LANES rows.
 * Bound by the same reads, taken twice. For adapters whose subgroups vary in size; lavapipe, whose do not, takes 910 ns a row so.
 */
export const workgroups = program(
  'sampled_gbce.workgroups',
  (constants: Constants) => wgsl`${teamWgsl(constants.team)}${common(constants, 'f32')}
var<workgroup> state: array<Cell, CELLS>;
var<workgroup> visited: array<u32, LANES>;
var<workgroup> slopes: array<f32, LANES>;

${TEAM_MAIN}
  let inside = team < params.T;
  let t = select(0u, team, inside); // workgroups past the end work on token 0 again and store nothing
  let slots = params.k + 1u;

  for (var c = lane; c < CELLS; c += LANES) { state[c] = h[t * CELLS + c]; }
  workgroupBarrier();
  var dstate: array<Cell, EACH>;
  var loss = 0.0;
  for (var base = 0u; base < slots; base += LANES) {
    let slot = base + lane;
    let w = weight_of(slot);
    var id = 0u;
    if (slot < params.k) {
#if ${constants.given}
      id = negatives[t * params.k + slot];
#else
      id = negatives4(params.first + t, slot / 4u, params.items, vec2u(params.seed, params.step))[slot % 4u];
#endif
    } else if (slot == params.k) {
      id = targets[t];
    }
    var s = 0.0;
    if (slot < slots) {
      for (var c = 0u; c < CELLS; c++) { s += product(state[c], table[id * CELLS + c]); }
    }
    loss += abs(w) * softplus(sign(w) * s);
#if ${constants.gradients}
    let slope = w * sigmoid(sign(w) * s);
    visited[lane] = id;
    slopes[lane] = slope;
    if (inside && slot < slots) {
      ds[t * slots + slot] = slope;
      ids[t * slots + slot] = id;
    }
    workgroupBarrier();
    let count = min(LANES, slots - base);
    for (var e = 0u; e < EACH; e++) {
      let c = lane + e * LANES;
      if (c < CELLS) {
        for (var i = 0u; i < count; i++) { dstate[e] += slopes[i] * table[visited[i] * CELLS + c]; }
      }
    }
    workgroupBarrier();
#endif
  }
${finish(constants)}}
`,
);
