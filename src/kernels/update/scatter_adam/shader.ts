import { program } from '../../../engine/program.js';
import { wgsl } from '../../../engine/wgsl.js';
import { cellsOf } from '../../cells.js';
import { BLOCK, type Layout, ROW_SUM, sums, teamMain } from '../../scatter_add/shader.js';
import { ADAM_PARAMS, ADAM_WGSL } from '../adam/shader.js';

/** WGSL: the bindings that both variants share (`starts` and `rows` are their own), and the `Element` of `ADAM_WGSL`. */
function bindings({ D, weighted }: Layout): string {
  const { type } = cellsOf(D);
  return wgsl`
@group(0) @binding(3) var<storage, read> source: array<${type}>; // [Q, D]
@group(0) @binding(4) var<storage, read> partial: array<${type}>; // [P / BLOCK, D]
@group(0) @binding(5) var<storage, read_write> param: array<${type}>; // [R, D]
@group(0) @binding(6) var<storage, read_write> m: array<${type}>; // [R, D]
@group(0) @binding(7) var<storage, read_write> v: array<${type}>; // [R, D]
#if ${weighted}
@group(0) @binding(8) var<storage, read> weights: array<f32>; // [P], arranged
#endif
alias Element = ${type};
`;
}

/**
 * Every row moves. One team a row: it sums the row's pairs as `scatter_add` does, to the same bits, and moves the row by the sum, which
 * is never written. Bound by memory: P D floats of `source`, mostly from the cache, and 24 bytes for each element of the table. With the
 * grouping 61 to 66 % of lavapipe's memory roof at 251,860 pairs of 54,544 items, D = 64.
 */
export const denseAdam = program(
  'scatter_adam.dense',
  (layout: Layout) => wgsl`
struct Params { R: u32, row_mask: u32, ${ADAM_PARAMS} }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> starts: array<u32>; // [R + 1]
@group(0) @binding(2) var<storage, read> rows: array<u32>; // [P]
${bindings(layout)}${sums(layout)}${ADAM_WGSL}${teamMain(layout)}
  if (team >= params.R) { return; }
${ROW_SUM}
  for (var e = 0u; e < EACH; e++) {
    if (lane + e * LANES < CELLS) { adam_step(team * CELLS + lane + e * LANES, sum[e]); }
  }
}
`,
);

/**
 * Only rows with pairs move. One team a bucket of neighbouring items, some eight pairs: it sums each of its rows in registers, in the
 * order of `scatter_add` and so to the same bits, and moves the row at once. Items without pairs are never visited.
 * Moves P D floats of `source`, mostly from the cache, and 24 bytes for each element of a row that is touched, in ascending order. On
 * lavapipe, D = 32, 822,400 pairs of 1e6 items, of which 56 % are touched: 131 ms, of which 97 are left when all rows are in the cache, for
 * the 192 accesses of a row take eight instructions each; the rest is waiting for memory. Asking for a bucket's rows ahead, as
 * `sampled_gbce` does, gains nothing: its misses hold up the instructions behind them. With the grouping 61 % of the memory roof.
 */
export const lazyAdam = program(
  'scatter_adam.lazy',
  (layout: Layout) => wgsl`
struct Params { buckets: u32, item_bits: u32, pair_bits: u32, row_mask: u32, ${ADAM_PARAMS} }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> starts: array<u32>; // [buckets + 1]
@group(0) @binding(2) var<storage, read> rows: array<u32>; // [P]: (item within its bucket) << pair_bits | row
${bindings(layout)}${sums(layout)}${ADAM_WGSL}
fn item_of(word: u32) -> u32 { return extractBits(word, params.pair_bits, params.item_bits); }
${teamMain(layout)}
  if (team >= params.buckets) { return; }
  let end = starts[team + 1u];
  var i = starts[team];
  while (i < end) {
    var word = rows[i];
    let item = item_of(word);
    var sum = array<Cell, EACH>(); // spelt out: without, the last row's sums stay in it on lavapipe
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
      if (lane + e * LANES < CELLS) { adam_step(row + e * LANES, sum[e]); }
    }
  }
}
`,
);
