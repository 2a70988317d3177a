import { program } from '../../engine/program.js';
import { wgsl } from '../../engine/wgsl.js';
import { cellsOf } from '../cells.js';
import { type Rows, type TiledConstants, tiledWgsl, tileText } from './tiled.js';

/*
 * The same as in shader.ts for GPUs, whose lanes have 64 to 256 registers and share what they need through workgroup memory. A tile of rows
 * meets 32 rows of the other side at a time. Their scores are products of two matrices, of which workgroup memory holds a few columns at a time; they
 * then weigh the other rows in a second product, whose sums stay in registers. No subgroup operations, so all adapters have the same bits.
 *
 * Bound by arithmetic, 1 multiply-add for a float and a half that is read from workgroup memory; workgroup memory is below 16 KiB, so that
 * several workgroups hide each other's barriers.
 */

/** Rows of the tile: beyond its end the last one again. */
const own = (binding: string): Rows => ({ binding, token: (r) => `first_row + min(${r}, last - first - 1u)` });
/** Rows that it meets from `base` on: beyond the sequence's end the last one again. */
const other = (binding: string): Rows => ({ binding, token: (r) => `min(base + ${r}, end - 1u)` });

/** Where the keys of a tile of queries end, and which of four keys a query sees. */
function sightOf({ bidirectional }: TiledConstants) {
  return {
    keysEnd: bidirectional ? 'end' : 'last',
    seen: (query: string) => (bidirectional ? 'keys < vec4u(end)' : `keys <= vec4u(${query})`),
  };
}

/** One tile of queries: softmax with a running maximum (FlashAttention-2, algorithm 1), 32 keys at a time. */
export const tiledForward = program('attention.tiled.forward', (c: TiledConstants & { residual: boolean }) => {
  const { tiling, products, sums, scale, add, store, eachQuery, put } = tileText(c.headSize, 'queries');
  const { keysEnd, seen } = sightOf(c);
  const { type } = cellsOf(c.headSize);
  const { rows, keyGroups, deep } = tiling;
  const ofRow = (combine: (a: string, b: string) => string) =>
    Array.from({ length: keyGroups }, (_, i) => `parts[row * ${keyGroups}u + ${i}u]`).reduce(combine);
  return tiledWgsl(
    c,
    tiling,
    wgsl`
const LOWEST = -3.0e38f;
@group(0) @binding(2) var<storage, read> q: array<${type}>; // [T, D]
@group(0) @binding(3) var<storage, read> k: array<${type}>; // [T, D]
@group(0) @binding(4) var<storage, read> v: array<${type}>; // [T, D]
@group(0) @binding(5) var<storage, read_write> y: array<${type}>; // [T, D]
@group(0) @binding(6) var<storage, read_write> stats: array<vec2<f32>>; // [T, H, 2]: log-sum-exp; the backward's
#if ${c.residual}
@group(0) @binding(7) var<storage, read> residual: array<${type}>; // [T, D]
#endif
var<workgroup> parts: array<f32, ${rows * keyGroups}>; // [rows, lanes of a row]
var<workgroup> shrinks: array<f32, ${rows}>;
fn largest_of(row: u32) -> f32 { return ${ofRow((a, b) => `max(${a}, ${b})`)}; }
fn sum_of(row: u32) -> f32 { return ${ofRow((a, b) => `(${a} + ${b})`)}; }`,
    wgsl`
    ${sums('mixed')}
    ${eachQuery((j) => `var largest${j} = LOWEST; var sum${j} = 0.0;`)}
    for (var base = start; base < ${keysEnd}; base += 32u) {
      ${products('scores', own('q'), other('k'))}
      let keys = base + 4u * key_group + vec4u(0u, 1u, 2u, 3u);
      ${eachQuery(
        (j, r) => `let seen${j} = ${seen(`min(first + ${r}, last - 1u)`)};
scores${j} = select(vec4f(LOWEST), scores${j} * SCALE, seen${j});
parts[${r} * ${keyGroups}u + key_group] = max(max(scores${j}.x, scores${j}.y), max(scores${j}.z, scores${j}.w));`,
      )}
      workgroupBarrier();
      ${eachQuery(
        (j, r) => `{
  let larger = max(largest${j}, largest_of(${r}));
  let shrink = exp(largest${j} - larger);
  largest${j} = larger;
  var weights = select(vec4f(0.0), exp(scores${j} - larger), seen${j});
  sum${j} = sum${j} * shrink + ((weights.x + weights.y) + (weights.z + weights.w));
  ${c.dropout ? `weights *= dropout4(head * params.whole + min(first + ${r}, last - 1u), (base - start) / 4u + key_group);` : ''}
  ${put(j, 'weights')}
  if (key_group == 0u) { shrinks[${r}] = shrink; }
}`,
      )}
      workgroupBarrier();
      ${Array.from({ length: deep }, (_, i) => `let shrink${i} = shrinks[row + ${i}u];`).join('\n')}
      ${scale('mixed', (i) => `shrink${i}`)}
      ${add('mixed', other('v'))}
    }
    ${eachQuery((j, r) => `parts[${r} * ${keyGroups}u + key_group] = sum${j};`)}
    workgroupBarrier();
    ${Array.from({ length: deep }, (_, i) => `let inverse${i} = 1.0 / sum_of(row + ${i}u);`).join('\n')}
    ${scale('mixed', (i) => `inverse${i}`)}
#if ${c.residual}
    ${store('mixed', (cell, at) => `y[${at}] = ${cell} + residual[${at}];`)}
#else
    ${store('mixed', (cell, at) => `y[${at}] = ${cell};`)}
#endif
    if (key_group == 0u) {
      ${eachQuery(
        (j, r) =>
          `if (${r} < last - first) { stats[(first_row + ${r}) * HEADS + head] = vec2f(largest${j} + log(sum_of(${r})), 0.0); }`,
      )}
    }
`,
  );
});

/** One tile of queries: dq_t = SCALE sum_j ds_tj k_j with ds = p (m dp - delta), dp_tj = dy_t . v_j. */
export const tiledBackwardQuery = program(
  'attention.tiled.backward_query',
  (c: TiledConstants & { accumulate: boolean }) => {
    const { tiling, products, sums, add, store, eachQuery, put } = tileText(c.headSize, 'queries');
    const { keysEnd, seen } = sightOf(c);
    const { type } = cellsOf(c.headSize);
    return tiledWgsl(
      c,
      tiling,
      wgsl`
@group(0) @binding(2) var<storage, read> q: array<${type}>; // [T, D]
@group(0) @binding(3) var<storage, read> k: array<${type}>; // [T, D]
@group(0) @binding(4) var<storage, read> v: array<${type}>; // [T, D]
@group(0) @binding(5) var<storage, read> dy: array<${type}>; // [T, D]
@group(0) @binding(6) var<storage, read> stats: array<vec2<f32>>; // [T, H, 2]: log-sum-exp, delta
@group(0) @binding(7) var<storage, read_write> dq: array<${type}>; // [T, D]`,
      wgsl`
    ${sums('dquery')}
    ${eachQuery(
      (j, r) => `let t${j} = min(first + ${r}, last - 1u);
let stat${j} = stats[t${j} * HEADS + head];`,
    )}
    for (var base = start; base < ${keysEnd}; base += 32u) {
      ${products('scores', own('q'), other('k'))}
      ${products('dropped', own('dy'), other('v'))}
      let keys = base + 4u * key_group + vec4u(0u, 1u, 2u, 3u);
      ${eachQuery(
        (j) => `{
  let weights = select(vec4f(0.0), exp(scores${j} * SCALE - stat${j}.x), ${seen(`t${j}`)});
  ${c.dropout ? `dropped${j} *= dropout4(head * params.whole + t${j}, (base - start) / 4u + key_group);` : ''}
  ${put(j, `weights * (dropped${j} - stat${j}.y)`)}
}`,
      )}
      ${add('dquery', other('k'))}
    }
    ${store('dquery', (cell, at) => `dq[${at}] ${c.accumulate ? '+=' : '='} ${cell} * SCALE;`)}
`,
    );
  },
);

/** One tile of keys, which meets the queries that see it: dv_j = sum_t m_tj p_tj dy_t and dk_j = SCALE sum_t ds_tj q_t. */
export const tiledBackwardKey = program(
  'attention.tiled.backward_key',
  (c: TiledConstants & { accumulateKey: boolean; accumulateValue: boolean }) => {
    const { tiling, products, sums, add, store, eachQuery, put } = tileText(c.headSize, 'keys');
    const { type } = cellsOf(c.headSize);
    return tiledWgsl(
      c,
      tiling,
      wgsl`
@group(0) @binding(2) var<storage, read> q: array<${type}>; // [T, D]
@group(0) @binding(3) var<storage, read> k: array<${type}>; // [T, D]
@group(0) @binding(4) var<storage, read> v: array<${type}>; // [T, D]
@group(0) @binding(5) var<storage, read> dy: array<${type}>; // [T, D]
@group(0) @binding(6) var<storage, read> stats: array<vec2<f32>>; // [T, H, 2]: log-sum-exp, delta
@group(0) @binding(7) var<storage, read_write> dk: array<${type}>; // [T, D]
@group(0) @binding(8) var<storage, read_write> dv: array<${type}>; // [T, D]`,
      wgsl`
    ${sums('dkey')}
    ${sums('dvalue')}
    let keys = first + 4u * key_group + vec4u(0u, 1u, 2u, 3u);
    for (var base = ${c.bidirectional ? 'start' : 'first'}; base < end; base += 32u) {
      ${products('scores', other('q'), own('k'))}
      ${products('dropped', other('dy'), own('v'))}
      ${eachQuery(
        (j, r) => `{
  let t = base + ${r};
  let stat = stats[min(t, end - 1u) * HEADS + head];
  scores${j} = select(vec4f(0.0), exp(scores${j} * SCALE - stat.x), ${c.bidirectional ? '' : '(keys <= vec4u(t)) & '}(vec4u(t) < vec4u(end)));
  let factors = ${c.dropout ? 'dropout4(head * params.whole + t, (first - start) / 4u + key_group)' : 'vec4f(1.0)'};
  dropped${j} = scores${j} * (dropped${j} * factors - stat.y);
  scores${j} *= factors;
  ${put(j, `scores${j}`)}
}`,
      )}
      ${add('dvalue', other('dy'))}
      workgroupBarrier();
      ${eachQuery((j) => put(j, `dropped${j}`))}
      ${add('dkey', other('q'))}
    }
    ${store('dkey', (cell, at) => `dk[${at}] ${c.accumulateKey ? '+=' : '='} ${cell} * SCALE;`)}
    ${store('dvalue', (cell, at) => `dv[${at}] ${c.accumulateValue ? '+=' : '='} ${cell};`)}
`,
    );
  },
);
