import { program } from '../../engine/program.js';
import { wgsl } from '../../engine/wgsl.js';
import { ADAM_PARAMS, ADAM_WGSL } from '../adam/shader.js';
import { cellsOf } from '../cells.js';
import { BLOCK, type Layout, sums, teamMain } from '../scatter_add/shader.js';

/**
 * One team a bucket of neighbouring items, some eight pairs: it sums each of its rows in registers, in the order of `scatter_add` and so
 * to the same bits, and moves the row at once. The gradient is never written, and items without pairs are never visited.
 * Bound by memory: P D floats of `source`, mostly from the cache, and 24 bytes for each element of a row that is touched, in ascending
 * order. With N = P = 1e6, 62 % of the rows are: at D = 32 on lavapipe 77 ms for 470 MB, near the memory's speed; the sums hardly count. With
 * the grouping 53 to 55 % of the memory roof.
 */
export const scatterAdam = program(
  'scatter_adam',
  (layout: Layout) => wgsl`
struct Params { buckets: u32, item_bits: u32, pair_bits: u32, row_mask: u32, ${ADAM_PARAMS} }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> starts: array<u32>; // [buckets + 1]
@group(0) @binding(2) var<storage, read> rows: array<u32>; // [P]: (item within its bucket) << pair_bits | row
@group(0) @binding(3) var<storage, read> source: array<${cellsOf(layout.D).type}>; // [Q, D]
@group(0) @binding(4) var<storage, read> partial: array<${cellsOf(layout.D).type}>; // [P / BLOCK, D]
@group(0) @binding(5) var<storage, read_write> param: array<${cellsOf(layout.D).type}>; // [R, D]
@group(0) @binding(6) var<storage, read_write> m: array<${cellsOf(layout.D).type}>; // [R, D]
@group(0) @binding(7) var<storage, read_write> v: array<${cellsOf(layout.D).type}>; // [R, D]
#if ${layout.weighted}
@group(0) @binding(8) var<storage, read> weights: array<f32>; // [P], arranged
#endif
alias Element = ${cellsOf(layout.D).type};
${sums(layout)}${ADAM_WGSL}
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
