import { program } from '../../engine/program.js';
import { mainWgsl, wgsl } from '../../engine/wgsl.js';
import { cellsOf } from '../cells.js';
import { rowText } from './rows.js';
import { type AttentionConstants, headWgsl, tileWgsl } from './tile.js';

/*
 * Attention without an [S, S] matrix in memory: Dao, Fu, Ermon, Rudra, Ré, "FlashAttention", 2022; Dao, "FlashAttention-2", 2023,
 * algorithms 1 and 2. The forward keeps one number per row, the log-sum-exp of its scores; the backward computes the weights again from
 * it. dq is summed by the rows' owners, dk and dv in a second pass by theirs, so that nothing is added atomically and every sum has
 * a fixed order. Per pair of a query and a key that it sees: 4 D flops forward, 6 D for dq, 8 D for dk and dv.
 *
 * What bounds them: a row of k or v (q or dy) is loaded once for a tile of LANES rows, 2 D loads for 4 D to 8 D multiply-adds of a lane.
 * On a CPU arithmetic takes longer than the loads: each multiply-add of a dot product brings a broadcast, and each of a sum a masked store.
 * Two rows per lane, or four shared rows at once, gain little and compile several times as long; sums kept by the lane that owns the row are
 * slower.
 */

/** What differs where tokens see those after them: where the keys of a tile end, where a key's queries begin, and which pairs see each other. */
function sightOf({ bidirectional }: AttentionConstants) {
  return bidirectional
    ? {
        keysEnd: 'end',
        queriesBegin: 'start',
        seen: (keys: string) => `${keys} < vec4u(end)`,
        ofKey: (weight: string) => weight,
        ofQuery: (weight: string) => weight,
      }
    : {
        keysEnd: 'last',
        queriesBegin: 'first',
        seen: (keys: string) => `${keys} <= vec4u(t)`,
        ofKey: (weight: string) => `select(0.0, ${weight}, key <= t)`,
        ofQuery: (weight: string) => `select(0.0, ${weight}, query >= t)`,
      };
}

/** One lane per query: softmax with a running maximum (FlashAttention-2, algorithm 1), a block of four keys at a time. */
export const forward = program('attention.forward', (c: AttentionConstants & { residual: boolean }) => {
  const { load, share, dot, sums, add, scale, store } = rowText(c);
  const { keysEnd, seen } = sightOf(c);
  return tileWgsl(
    c,
    wgsl`
const LOWEST = -3.0e38f;
@group(0) @binding(2) var<storage, read> q: array<${cellsOf(c.headSize).type}>; // [T, D]
@group(0) @binding(3) var<storage, read> k: array<${cellsOf(c.headSize).type}>; // [T, D]
@group(0) @binding(4) var<storage, read> v: array<${cellsOf(c.headSize).type}>; // [T, D]
@group(0) @binding(5) var<storage, read_write> y: array<${cellsOf(c.headSize).type}>; // [T, D]
@group(0) @binding(6) var<storage, read_write> stats: array<vec2<f32>>; // [T, H, 2]: log-sum-exp; the backward's
#if ${c.residual}
@group(0) @binding(7) var<storage, read> residual: array<${cellsOf(c.headSize).type}>; // [T, D]
#endif`,
    wgsl`
    ${load('query', 'q')}
    ${sums('mixed')}
    var largest = LOWEST;
    var sum = 0.0;
    for (var first_key = start; first_key < ${keysEnd}; first_key += 4u) {
      let keys = first_key + vec4u(0u, 1u, 2u, 3u);
      let end_key = min(first_key + 4u, ${keysEnd});
      var scores = vec4f(LOWEST);
      for (var key = first_key; key < end_key; key++) {
        ${share('k', 'key')}
        ${dot('score', 'query', 'k')}
        scores = select(scores, vec4f(score * SCALE), (keys == vec4u(key)) & (${seen('keys')}));
      }
      let larger = max(largest, max(max(scores.x, scores.y), max(scores.z, scores.w)));
      let shrink = exp(largest - larger);
      largest = larger;
      var weights = select(vec4f(0.0), exp(scores - larger), ${seen('keys')});
      sum = sum * shrink + ((weights.x + weights.y) + (weights.z + weights.w));
#if ${c.dropout}
      weights *= dropout4(head * params.whole + t, (first_key - start) / 4u);
#endif
      ${scale('mixed', 'shrink')}
      for (var key = first_key; key < end_key; key++) {
        let weight_of_key = weights[key - first_key];
        ${share('v', 'key')}
        ${add('mixed', 'weight_of_key', 'v')}
      }
    }
    let inverse = 1.0 / sum;
    ${scale('mixed', 'inverse')}
#if ${c.residual}
    ${store('mixed', (cell, at) => `y[${at}] = ${cell} + residual[${at}];`)}
#else
    ${store('mixed', (cell, at) => `y[${at}] = ${cell};`)}
#endif
    if (inside) { stats[row * HEADS + head] = vec2f(largest + log(sum), 0.0); }
`,
  );
});

/** delta = rowsum(dy * (y - residual)) per head, which the softmax's backward subtracts. One lane per row; bound by its loads. */
export const backwardDelta = program(
  'attention.backward_delta',
  (c: {
    heads: number;
    headSize: number;
    residual: boolean;
    workgroup: number;
  }) => wgsl`${headWgsl(c.heads, c.headSize)}
struct Params { T: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> y: array<${cellsOf(c.headSize).type}>; // [T, D]
@group(0) @binding(2) var<storage, read> dy: array<${cellsOf(c.headSize).type}>; // [T, D]
@group(0) @binding(3) var<storage, read_write> stats: array<vec2<f32>>; // [T, H, 2]: log-sum-exp, delta
#if ${c.residual}
@group(0) @binding(4) var<storage, read> residual: array<${cellsOf(c.headSize).type}>; // [T, D]
#endif
${mainWgsl(c.workgroup)}
  let i = number * ${c.workgroup}u + local;
  if (i >= params.T * HEADS) { return; }
  var delta: Cell;
  for (var u = i * CELLS; u < (i + 1u) * CELLS; u++) {
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

/** dq_t = SCALE sum_j ds_tj k_j with ds = p (m dp - delta), dp_tj = dy_t . v_j: one lane per query. */
export const backwardQuery = program('attention.backward_query', (c: AttentionConstants & { accumulate: boolean }) => {
  const { load, share, dot, sums, add, store } = rowText(c);
  const { keysEnd, ofKey } = sightOf(c);
  return tileWgsl(
    c,
    wgsl`
@group(0) @binding(2) var<storage, read> q: array<${cellsOf(c.headSize).type}>; // [T, D]
@group(0) @binding(3) var<storage, read> k: array<${cellsOf(c.headSize).type}>; // [T, D]
@group(0) @binding(4) var<storage, read> v: array<${cellsOf(c.headSize).type}>; // [T, D]
@group(0) @binding(5) var<storage, read> dy: array<${cellsOf(c.headSize).type}>; // [T, D]
@group(0) @binding(6) var<storage, read> stats: array<vec2<f32>>; // [T, H, 2]: log-sum-exp, delta
@group(0) @binding(7) var<storage, read_write> dq: array<${cellsOf(c.headSize).type}>; // [T, D]`,
    wgsl`
    ${load('query', 'q')}
    ${load('dout', 'dy')}
    ${sums('dquery')}
    let stat = stats[t * HEADS + head];
    for (var first_key = start; first_key < ${keysEnd}; first_key += 4u) {
#if ${c.dropout}
      let factors = dropout4(head * params.whole + t, (first_key - start) / 4u);
#endif
      let end_key = min(first_key + 4u, ${keysEnd});
      for (var key = first_key; key < end_key; key++) {
        ${share('k', 'key')}
        ${share('v', 'key')}
        ${dot('score', 'query', 'k')}
        ${dot('dropped', 'dout', 'v')}
        let weight_of_key = ${ofKey('exp(score * SCALE - stat.x)')};
#if ${c.dropout}
        let dscore = weight_of_key * (dropped * factors[key - first_key] - stat.y);
#else
        let dscore = weight_of_key * (dropped - stat.y);
#endif
        ${add('dquery', 'dscore', 'k')}
      }
    }
    ${store('dquery', (cell, at) => `dq[${at}] ${c.accumulate ? '+=' : '='} ${cell} * SCALE;`)}
`,
  );
});

/** dv_j = sum_t m_tj p_tj dy_t and dk_j = SCALE sum_t ds_tj q_t: one lane per key, which visits the queries that see it. */
export const backwardKey = program(
  'attention.backward_key',
  (c: AttentionConstants & { accumulateKey: boolean; accumulateValue: boolean }) => {
    const { load, share, dot, sums, add, store } = rowText(c);
    const { queriesBegin, ofQuery } = sightOf(c);
    return tileWgsl(
      c,
      wgsl`
@group(0) @binding(2) var<storage, read> q: array<${cellsOf(c.headSize).type}>; // [T, D]
@group(0) @binding(3) var<storage, read> k: array<${cellsOf(c.headSize).type}>; // [T, D]
@group(0) @binding(4) var<storage, read> v: array<${cellsOf(c.headSize).type}>; // [T, D]
@group(0) @binding(5) var<storage, read> dy: array<${cellsOf(c.headSize).type}>; // [T, D]
@group(0) @binding(6) var<storage, read> stats: array<vec2<f32>>; // [T, H, 2]: log-sum-exp, delta
@group(0) @binding(7) var<storage, read_write> dk: array<${cellsOf(c.headSize).type}>; // [T, D]
@group(0) @binding(8) var<storage, read_write> dv: array<${cellsOf(c.headSize).type}>; // [T, D]`,
      wgsl`
    ${load('key', 'k')}
    ${load('value', 'v')}
    ${sums('dkey')}
    ${sums('dvalue')}
    for (var query = ${queriesBegin}; query < end; query++) {
      let stat = stats[query * HEADS + head];
      ${share('q', 'query')}
      ${share('dy', 'query')}
      ${dot('score', 'key', 'q')}
      ${dot('dropped', 'value', 'dy')}
      let weight_of_query = ${ofQuery('exp(score * SCALE - stat.x)')};
#if ${c.dropout}
      let factor = dropout4(head * params.whole + query, (t - start) / 4u)[(t - start) % 4u];
      let dscore = weight_of_query * (dropped * factor - stat.y);
      let kept = weight_of_query * factor;
#else
      let dscore = weight_of_query * (dropped - stat.y);
      let kept = weight_of_query;
#endif
      ${add('dkey', 'dscore', 'q')}
      ${add('dvalue', 'kept', 'dy')}
    }
    ${store('dkey', (cell, at) => `dk[${at}] ${c.accumulateKey ? '+=' : '='} ${cell} * SCALE;`)}
    ${store('dvalue', (cell, at) => `dv[${at}] ${c.accumulateValue ? '+=' : '='} ${cell};`)}
`,
    );
  },
);
