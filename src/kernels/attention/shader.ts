import { DROPOUT_PARAMS } from '../../engine/dropout.js';
import { program } from '../../engine/program.js';
import { wgsl } from '../../engine/wgsl.js';
import { type AttentionConstants, rowsOf, rowText, tileWgsl, unitWgsl } from './tile.js';

const params = ({ dropout }: AttentionConstants) =>
  `struct Params { T: u32, chunks: u32, ${dropout ? DROPOUT_PARAMS : ''} }`;

const MAIN = /* wgsl */ `
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u,
        @builtin(local_invocation_index) lane: u32) {
  let team = team_of(workgroup, workgroups, 0u);
  let head = team % HEADS;
  let first = team / HEADS * LANES;
  let end = min(first + LANES, params.T);
  let inside = first + lane < params.T;
  let t = min(first + lane, params.T - 1u); // lanes past the end do the last row again and store nothing
  let at = (t * HEADS + head) * WIDTH;`;

/** One lane a query: softmax with a running maximum (FlashAttention-2, algorithm 1). */
export const forward = program('attention.forward', (c: AttentionConstants & { residual: boolean }) => {
  const { zero, load, store, share, dot, mix, scale } = rowText(c);
  return wgsl`${tileWgsl(c)}
const LOWEST = -3.0e38f;
${params(c)}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> q: ${rowsOf(c.headSize)}; // [T, D]
@group(0) @binding(2) var<storage, read> k: ${rowsOf(c.headSize)}; // [T, D]
@group(0) @binding(3) var<storage, read> v: ${rowsOf(c.headSize)}; // [T, D]
@group(0) @binding(4) var<storage, read> spans: array<vec2<u32>>; // [T, 2]
@group(0) @binding(5) var<storage, read_write> y: ${rowsOf(c.headSize)}; // [T, D]
@group(0) @binding(6) var<storage, read_write> stats: array<vec2<f32>>; // [T, H, 2]: log-sum-exp; the backward's
#if ${c.residual}
@group(0) @binding(7) var<storage, read> residual: ${rowsOf(c.headSize)}; // [T, D]
#endif
${MAIN}
  let start = spans[t].x;
  ${load('query', 'q', 'at')}
  ${zero('mixed')}
  var largest = LOWEST;
  var sum = 0.0;
  for (var first_key = spans[min(first, params.T - 1u)].x & ~3u; first_key < end; first_key += 4u) {
    let keys = first_key + vec4u(0u, 1u, 2u, 3u);
    let end_key = min(first_key + 4u, end);
    var scores = vec4f();
    for (var key = first_key; key < end_key; key++) {
      ${share('k', '(key * HEADS + head) * WIDTH')}
      ${dot('score', 'query', 'k')}
      scores = select(scores, vec4f(score * SCALE), keys == vec4u(key));
    }
    let visible = (keys >= vec4u(start)) & (keys <= vec4u(t));
    scores = select(vec4f(LOWEST), scores, visible);
    let larger = max(largest, max(max(scores.x, scores.y), max(scores.z, scores.w)));
    let shrink = exp(largest - larger);
    largest = larger;
    var weights = select(vec4f(0.0), exp(scores - larger), visible);
    sum = sum * shrink + ((weights.x + weights.y) + (weights.z + weights.w));
#if ${c.dropout}
    weights *= dropout4(head * params.T + t, first_key / 4u);
#endif
    ${scale('mixed', 'shrink')}
    for (var key = first_key; key < end_key; key++) {
      ${share('v', '(key * HEADS + head) * WIDTH')}
      ${mix('mixed', 'weights[key % 4u]', 'v')}
    }
  }
  if (inside) {
    let inverse = 1.0 / sum;
#if ${c.residual}
    ${store('mixed', (unit, u) => `y[at + ${u}] = ${unit} * inverse + residual[at + ${u}];`)}
#else
    ${store('mixed', (unit, u) => `y[at + ${u}] = ${unit} * inverse;`)}
#endif
    stats[t * HEADS + head] = vec2f(largest + log(sum), 0.0);
  }
}
`;
});

/** delta = rowsum(dy * (y - residual)) per head, one lane a row: what the softmax's backward subtracts. Bound by its loads. */
export const backwardDelta = program(
  'attention.backward_delta',
  (c: {
    heads: number;
    headSize: number;
    residual: boolean;
    workgroup: number;
  }) => wgsl`${unitWgsl(c.heads, c.headSize)}
struct Params { T: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> y: ${rowsOf(c.headSize)}; // [T, D]
@group(0) @binding(2) var<storage, read> dy: ${rowsOf(c.headSize)}; // [T, D]
@group(0) @binding(3) var<storage, read_write> stats: array<vec2<f32>>; // [T, H, 2]: log-sum-exp, delta
#if ${c.residual}
@group(0) @binding(4) var<storage, read> residual: ${rowsOf(c.headSize)}; // [T, D]
#endif
@compute @workgroup_size(${c.workgroup})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let i = (workgroup.x + workgroup.y * workgroups.x) * ${c.workgroup}u + local;
  if (i >= params.T * HEADS) { return; }
  var delta: Unit;
  for (var u = i * WIDTH; u < (i + 1u) * WIDTH; u++) {
#if ${c.residual}
    delta += dy[u] * (y[u] - residual[u]);
#else
    delta += dy[u] * y[u];
#endif
  }
  stats[i].y = total(delta);
}
`,
);

/** dq_t = SCALE sum_j ds_tj k_j with ds = p (m dp - delta), dp_tj = dy_t . v_j: one lane a query. */
export const backwardQuery = program('attention.backward_query', (c: AttentionConstants & { add: boolean }) => {
  const { zero, load, store, share, dot, mix } = rowText(c);
  return wgsl`${tileWgsl(c)}
${params(c)}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> q: ${rowsOf(c.headSize)}; // [T, D]
@group(0) @binding(2) var<storage, read> k: ${rowsOf(c.headSize)}; // [T, D]
@group(0) @binding(3) var<storage, read> v: ${rowsOf(c.headSize)}; // [T, D]
@group(0) @binding(4) var<storage, read> spans: array<vec2<u32>>; // [T, 2]
@group(0) @binding(5) var<storage, read> dy: ${rowsOf(c.headSize)}; // [T, D]
@group(0) @binding(6) var<storage, read> stats: array<vec2<f32>>; // [T, H, 2]: log-sum-exp, delta
@group(0) @binding(7) var<storage, read_write> dq: ${rowsOf(c.headSize)}; // [T, D]
${MAIN}
  let start = spans[t].x;
  let stat = stats[t * HEADS + head];
  ${load('query', 'q', 'at')}
  ${load('dout', 'dy', 'at')}
  ${zero('dquery')}
  for (var first_key = spans[min(first, params.T - 1u)].x & ~3u; first_key < end; first_key += 4u) {
#if ${c.dropout}
    let factors = dropout4(head * params.T + t, first_key / 4u);
#endif
    let end_key = min(first_key + 4u, end);
    for (var key = first_key; key < end_key; key++) {
      let row = (key * HEADS + head) * WIDTH;
      ${share('k', 'row')}
      ${share('v', 'row')}
      ${dot('score', 'query', 'k')}
      ${dot('dropped', 'dout', 'v')}
#if ${c.dropout}
      let dweight = dropped * factors[key % 4u];
#else
      let dweight = dropped;
#endif
      let dscore = select(0.0, exp(score * SCALE - stat.x) * (dweight - stat.y), key >= start && key <= t);
      ${mix('dquery', 'dscore', 'k')}
    }
  }
  if (inside) {
    ${store('dquery', (unit, u) => `dq[at + ${u}] ${c.add ? '+=' : '='} ${unit} * SCALE;`)}
  }
}
`;
});

/** dv_j = sum_t m_tj p_tj dy_t and dk_j = SCALE sum_t ds_tj q_t: one lane a key, which meets the queries from itself on. */
export const backwardKey = program(
  'attention.backward_key',
  (c: AttentionConstants & { addKey: boolean; addValue: boolean }) => {
    const { zero, load, store, share, dot, mix } = rowText(c);
    return wgsl`${tileWgsl(c)}
${params(c)}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> q: ${rowsOf(c.headSize)}; // [T, D]
@group(0) @binding(2) var<storage, read> k: ${rowsOf(c.headSize)}; // [T, D]
@group(0) @binding(3) var<storage, read> v: ${rowsOf(c.headSize)}; // [T, D]
@group(0) @binding(4) var<storage, read> spans: array<vec2<u32>>; // [T, 2]
@group(0) @binding(5) var<storage, read> dy: ${rowsOf(c.headSize)}; // [T, D]
@group(0) @binding(6) var<storage, read> stats: array<vec2<f32>>; // [T, H, 2]: log-sum-exp, delta
@group(0) @binding(7) var<storage, read_write> dk: ${rowsOf(c.headSize)}; // [T, D]
@group(0) @binding(8) var<storage, read_write> dv: ${rowsOf(c.headSize)}; // [T, D]
${MAIN}
  let span_end = spans[t].y;
  ${load('key', 'k', 'at')}
  ${load('value', 'v', 'at')}
  ${zero('dkey')}
  ${zero('dvalue')}
  let end_query = spans[end - 1u].y;
  for (var query = first; query < end_query; query++) {
    let row = query * HEADS + head;
    let stat = stats[row];
    ${share('q', 'row * WIDTH')}
    ${share('dy', 'row * WIDTH')}
    ${dot('score', 'key', 'q')}
    ${dot('dropped', 'value', 'dy')}
    let weight = select(0.0, exp(score * SCALE - stat.x), query >= t && query < span_end);
#if ${c.dropout}
    let factor = dropout4(head * params.T + query, t / 4u)[t % 4u];
    let dscore = weight * (dropped * factor - stat.y);
    let kept = weight * factor;
#else
    let dscore = weight * (dropped - stat.y);
    let kept = weight;
#endif
    ${mix('dkey', 'dscore', 'q')}
    ${mix('dvalue', 'kept', 'dy')}
  }
  if (inside) {
    ${store('dkey', (unit, u) => `dk[at + ${u}] ${c.addKey ? '+=' : '='} ${unit} * SCALE;`)}
    ${store('dvalue', (unit, u) => `dv[at + ${u}] ${c.addValue ? '+=' : '='} ${unit};`)}
  }
}
`;
  },
);
