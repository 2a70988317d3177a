import { DROPOUT_PARAMS } from '../../engine/dropout.js';
import { program } from '../../engine/program.js';
import { wgsl } from '../../engine/wgsl.js';
import { type AttentionConstants, block, rowsOf, tileWgsl, unitWgsl, vec4 } from './tile.js';

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
  const { load, unit, units } = block(c);
  return wgsl`${tileWgsl(c)}
const LOWEST = -3.0e38f;
struct Params { T: u32, ${c.dropout ? DROPOUT_PARAMS : ''} }
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
  var query: array<Unit, WIDTH>;
  ${units((u) => `query[${u}] = q[at + ${u}u] * SCALE;`)}
  var mixed: array<Unit, WIDTH>;
  var largest = LOWEST;
  var total = 0.0;
  for (var first_key = spans[min(first, params.T - 1u)].x & ~3u; first_key < end; first_key += 4u) {
    let keys = first_key + vec4u(0u, 1u, 2u, 3u);
    let visible = (keys >= vec4u(start)) & (keys <= vec4u(t));
    let rows = (min(keys, vec4u(end - 1u)) * HEADS + head) * WIDTH;
    ${load('k')}
    var scores = vec4f(0.0);
    ${units((u) => `scores += ${vec4((b) => `product(query[${u}], ${unit('k', b, u)})`)};`)}
    scores = select(vec4f(LOWEST), scores, visible);
    let larger = max(largest, max(max(scores.x, scores.y), max(scores.z, scores.w)));
    let shrink = exp(largest - larger);
    largest = larger;
    var weights = select(vec4f(0.0), exp(scores - larger), visible);
    total = total * shrink + dot(weights, vec4f(1.0));
#if ${c.dropout}
    weights *= dropout4(head * params.T + t, first_key / 4u);
#endif
    ${load('v')}
    ${units((u) => `mixed[${u}] = mixed[${u}] * shrink + ${sum('weights', (b) => unit('v', b, u))};`)}
  }
  if (inside) {
    let inverse = 1.0 / total;
#if ${c.residual}
    ${units((u) => `y[at + ${u}u] = mixed[${u}] * inverse + residual[at + ${u}u];`)}
#else
    ${units((u) => `y[at + ${u}u] = mixed[${u}] * inverse;`)}
#endif
    stats[t * HEADS + head] = vec2f(largest + log(total), 0.0);
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
  var delta = 0.0;
  for (var u = i * WIDTH; u < (i + 1u) * WIDTH; u++) {
#if ${c.residual}
    delta += product(dy[u], y[u] - residual[u]);
#else
    delta += product(dy[u], y[u]);
#endif
  }
  stats[i].y = delta;
}
`,
);

/** dq_t = SCALE sum_j ds_tj k_j with ds = p (m dp - delta), dp_tj = dy_t . v_j: one lane a query. */
export const backwardQuery = program('attention.backward_query', (c: AttentionConstants & { add: boolean }) => {
  const { load, unit, units } = block(c);
  return wgsl`${tileWgsl(c)}
struct Params { T: u32, ${c.dropout ? DROPOUT_PARAMS : ''} }
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
  var query: array<Unit, WIDTH>;
  var dout: array<Unit, WIDTH>;
  ${units((u) => `query[${u}] = q[at + ${u}u] * SCALE; dout[${u}] = dy[at + ${u}u];`)}
  var dquery: array<Unit, WIDTH>;
  for (var first_key = spans[min(first, params.T - 1u)].x & ~3u; first_key < end; first_key += 4u) {
    let keys = first_key + vec4u(0u, 1u, 2u, 3u);
    let visible = (keys >= vec4u(start)) & (keys <= vec4u(t));
    let rows = (min(keys, vec4u(end - 1u)) * HEADS + head) * WIDTH;
    ${load('k')}
    ${load('v')}
    var scores = vec4f(0.0);
    ${units((u) => `scores += ${vec4((b) => `product(query[${u}], ${unit('k', b, u)})`)};`)}
    var dweights = vec4f(0.0);
    ${units((u) => `dweights += ${vec4((b) => `product(dout[${u}], ${unit('v', b, u)})`)};`)}
#if ${c.dropout}
    dweights *= dropout4(head * params.T + t, first_key / 4u);
#endif
    let dscores = select(vec4f(0.0), exp(scores - stat.x) * (dweights - stat.y), visible);
    ${units((u) => `dquery[${u}] += ${sum('dscores', (b) => unit('k', b, u))};`)}
  }
  if (inside) {
    ${units((u) => `dq[at + ${u}u] ${c.add ? '+=' : '='} dquery[${u}] * SCALE;`)}
  }
}
`;
});

/** dv_j = sum_t m_tj p_tj dy_t and dk_j = SCALE sum_t ds_tj q_t: one lane a key, which meets the queries from itself on. */
export const backwardKey = program(
  'attention.backward_key',
  (c: AttentionConstants & { addKey: boolean; addValue: boolean }) => {
    const { load, unit, units } = block(c);
    return wgsl`${tileWgsl(c)}
struct Params { T: u32, ${c.dropout ? DROPOUT_PARAMS : ''} }
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
  var key: array<Unit, WIDTH>;
  var value: array<Unit, WIDTH>;
  ${units((u) => `key[${u}] = k[at + ${u}u] * SCALE; value[${u}] = v[at + ${u}u];`)}
  var dkey: array<Unit, WIDTH>;
  var dvalue: array<Unit, WIDTH>;
  let last_query = spans[end - 1u].y - 1u;
  for (var first_query = first; first_query <= last_query; first_query += 4u) {
    let queries = first_query + vec4u(0u, 1u, 2u, 3u);
    let visible = (queries >= vec4u(t)) & (queries < vec4u(span_end));
    let stat_rows = min(queries, vec4u(last_query)) * HEADS + head;
    let rows = stat_rows * WIDTH;
    ${load('q')}
    ${load('dy')}
    var scores = vec4f(0.0);
    ${units((u) => `scores += ${vec4((b) => `product(key[${u}], ${unit('q', b, u)})`)};`)}
    var dweights = vec4f(0.0);
    ${units((u) => `dweights += ${vec4((b) => `product(value[${u}], ${unit('dy', b, u)})`)};`)}
    let sums = ${vec4((b) => `stats[stat_rows[${b}]].x`)};
    let deltas = ${vec4((b) => `stats[stat_rows[${b}]].y`)};
    let weights = select(vec4f(0.0), exp(scores - sums), visible);
#if ${c.dropout}
    let factors = ${vec4((b) => `dropout4(head * params.T + queries[${b}], t / 4u)[t % 4u]`)};
    let dscores = weights * (dweights * factors - deltas);
    let dropped = weights * factors;
#else
    let dscores = weights * (dweights - deltas);
    let dropped = weights;
#endif
    ${units((u) => `dkey[${u}] += ${sum('dscores', (b) => unit('q', b, u))};`)}
    ${units((u) => `dvalue[${u}] += ${sum('dropped', (b) => unit('dy', b, u))};`)}
  }
  if (inside) {
    ${units((u) => `dk[at + ${u}u] ${c.addKey ? '+=' : '='} dkey[${u}] * SCALE;`)}
    ${units((u) => `dv[at + ${u}u] ${c.addValue ? '+=' : '='} dvalue[${u}];`)}
  }
}
`;
  },
);

/** `w[0] * f(0) + … + w[3] * f(3)` */
function sum(weights: string, term: (b: number) => string): string {
  return [0, 1, 2, 3].map((b) => `${weights}[${b}] * ${term(b)}`).join(' + ');
}
