import { program } from '../../engine/program.js';
import { mainWgsl, wgsl } from '../../engine/wgsl.js';
import { type Cell, cellsOf } from '../cells.js';
import { BLOCK, type Layout, ROW_SUM, sums } from '../scatter_add/shader.js';
import { TEAMS_MAIN } from '../team.js';
import { RULES } from './rules/index.js';

export const WORKGROUP = 64;

/** WGSL: the bindings `param` and a rule's slots from `first` on, arrays of cells, and the rule's `update_cell`. Needs the alias `Cell`. */
function ruleWgsl(rule: string, first: number, cell: string, shape: string): string {
  const { slots, wgsl: code } = RULES[rule];
  const bindings = ['param', ...slots].map(
    (name, i) => `@group(0) @binding(${first + i}) var<storage, read_write> ${name}: array<${cell}>; // ${shape}`,
  );
  return `${bindings.join('\n')}\n${code}`;
}

/** One lane per cell. Bound by memory: the parameter and the slots in and out, the gradient in; nothing is worth sharing. */
export const denseUpdate = program(
  'update.dense',
  ({ rule, cell }: { rule: string; cell: Cell['type'] }) => wgsl`
alias Cell = ${cell};
struct Params { count: u32, ${RULES[rule].params} }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gradient: array<${cell}>; // [count]
${ruleWgsl(rule, 2, cell, '[count]')}
${mainWgsl(WORKGROUP)}
  let i = number * ${WORKGROUP}u + local;
  if (i < params.count) { update_cell(i, gradient[i]); }
}
`,
);

/**
 * One lane per cell, each moved by its gradient times a factor; not at all where the factor is 0, nor, with `lazy`, in rows that were not
 * touched.
 */
export const clippedUpdate = program(
  'update.clipped',
  ({ rule, cell, lazy }: { rule: string; cell: Cell['type']; lazy: boolean }) => wgsl`
alias Cell = ${cell};
struct Params { count: u32, cells: u32, ${RULES[rule].params} }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gradient: array<${cell}>; // [count]
@group(0) @binding(2) var<storage, read> clip: array<f32>; // [2] factor, norm
#if ${lazy}
@group(0) @binding(3) var<storage, read> touched: array<f32>; // [count / cells]
#endif
${ruleWgsl(rule, 4, cell, '[count]')}
${mainWgsl(WORKGROUP)}
  let i = number * ${WORKGROUP}u + local;
  if (i >= params.count || clip[0] == 0.0) { return; }
#if ${lazy}
  if (touched[i / params.cells] == 0.0) { return; }
#endif
  update_cell(i, clip[0] * gradient[i]);
}
`,
);

/** A rule's way of moving rows: its name, and how a team sums a row. */
export interface RowConstants extends Layout {
  rule: string;
}

/** WGSL: the bindings that both ways by rows share; `starts` and `rows` are their own. */
function bindings({ D, weighted, rule }: RowConstants): string {
  const { type } = cellsOf(D);
  return wgsl`
@group(0) @binding(3) var<storage, read> source: array<${type}>; // [Q, D]
@group(0) @binding(4) var<storage, read> partial: array<${type}>; // [P / BLOCK, D]
#if ${weighted}
@group(0) @binding(5) var<storage, read> weights: array<f32>; // [P], arranged
#endif
${ruleWgsl(rule, 6, type, '[R, D]')}`;
}

/**
 * Every row moves. One team per row: it sums the row's pairs as `scatter_add` does, to the same bits, and moves the row by the sum, which
 * is never written. Bound by memory: P D floats of `source`, mostly from the cache, and the parameter and the slots in and out.
 */
export const allRowsUpdate = program(
  'update.rows',
  (constants: RowConstants) => wgsl`
struct Params { R: u32, row_mask: u32, ${RULES[constants.rule].params} }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> starts: array<u32>; // [R + 1]
@group(0) @binding(2) var<storage, read> rows: array<u32>; // [P]
${sums(constants)}${bindings(constants)}${TEAMS_MAIN}
  if (team >= params.R) { return; }
${ROW_SUM}
  for (var e = 0u; e < EACH; e++) {
    if (lane + e * LANES < CELLS) { update_cell(team * CELLS + lane + e * LANES, sum[e]); }
  }
}
`,
);

/**
 * Only rows with pairs move. One team per bucket of neighbouring items, some eight pairs: it sums each of its rows in registers, in the
 * order of `scatter_add` and so to the same bits, and moves the row at once. Items without pairs are never visited.
 * Bound by memory: P D floats of `source`, mostly from the cache, and the parameter and the slots of the rows that are touched, in ascending order.
 * Asking for a bucket's rows ahead, as the own candidates' kernel does, gains nothing: its misses hold up the instructions behind them.
 */
export const lazyUpdate = program(
  'update.lazy',
  (constants: RowConstants) => wgsl`
struct Params { buckets: u32, item_bits: u32, pair_bits: u32, row_mask: u32, ${RULES[constants.rule].params} }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> starts: array<u32>; // [buckets + 1]
@group(0) @binding(2) var<storage, read> rows: array<u32>; // [P]: (item within its bucket) << pair_bits | row
${sums(constants)}${bindings(constants)}
fn item_of(word: u32) -> u32 { return extractBits(word, params.pair_bits, params.item_bits); }
${TEAMS_MAIN}
  if (team >= params.buckets) { return; }
  let end = starts[team + 1u];
  var i = starts[team];
  while (i < end) {
    var word = rows[i];
    let item = item_of(word);
    var sum = array<Cell, EACH>(); // initialised explicitly: drivers keep the last row's sums otherwise
    loop {
      let last = i + ${BLOCK - 1}u;
      if (i % ${BLOCK}u == 0u && last < end && item_of(rows[last]) == item) {
        let block = i / ${BLOCK}u * CELLS + lane;
        for (var e = 0u; e < EACH; e++) {
          if (lane + e * LANES < CELLS) { sum[e] += partial[block + e * LANES]; }
        }
        i += ${BLOCK}u;
      } else {
        take(&sum, i, word, lane);
        i++;
      }
      if (i >= end) { break; }
      word = rows[i];
      if (item_of(word) != item) { break; }
    }
    let row = ((team << params.item_bits) + item) * CELLS + lane;
    for (var e = 0u; e < EACH; e++) {
      if (lane + e * LANES < CELLS) { update_cell(row + e * LANES, sum[e]); }
    }
  }
}
`,
);
