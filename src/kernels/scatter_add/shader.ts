import { program } from '../../engine/program.js';
import { mainWgsl, wgsl } from '../../engine/wgsl.js';
import { cellsOf } from '../cells.js';
import { PAIRS } from '../group/shader.js';
import { TEAMS_MAIN, type Teams, teamsWgsl } from '../team.js';

/** Pairs that one team sums beforehand where they all belong to one item. */
export const BLOCK = 256;

export const WORKGROUP = 64;

/**
 * Brings what the sums need of each pair into grouped order: the row of `source`, with the item in front as in the key, and the weight.
 * A pass of its own, because here the scattered reads of many pairs overlap and a division serves one pair per lane, while in the sums
 * each would be waited for by a whole team.
 */
export const arrange = program(
  'scatter_add.arrange',
  ({ weighted, listed }: { weighted: boolean; listed: boolean }) => wgsl`
struct Params { P: u32, share: u32, pair_bits: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> keys: array<u32>; // [P]
@group(0) @binding(2) var<storage, read_write> rows: array<u32>; // [P]: as keys, the pair replaced by its row
#if ${weighted}
@group(0) @binding(3) var<storage, read> weights: array<f32>; // [P]
@group(0) @binding(4) var<storage, read_write> arranged: array<f32>; // [P]
#endif
#if ${listed}
@group(0) @binding(5) var<storage, read> row_of: array<u32>; // [P]
#endif
${mainWgsl(WORKGROUP)}
  let first = number * ${WORKGROUP * PAIRS}u + local;
  for (var i = first; i < min(first + ${WORKGROUP * PAIRS}u, params.P); i += ${WORKGROUP}u) {
    let pair = extractBits(keys[i], 0u, params.pair_bits);
#if ${listed}
    let row = row_of[pair];
#else
    let row = pair / params.share;
#endif
    rows[i] = insertBits(keys[i], row, 0u, params.pair_bits);
#if ${weighted}
    arranged[i] = weights[pair];
#endif
  }
}
`,
);

/** Writes the row and the weight of each of a share's pairs behind those of other shares, where they do not follow one rule for all. */
export const spreadPairs = program(
  'scatter_add.spread',
  ({ weighted }: { weighted: boolean }) => wgsl`
struct Params { at: u32, count: u32, base: u32, share: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> rows: array<u32>; // [P]
@group(0) @binding(2) var<storage, read_write> weights: array<f32>; // [P]
#if ${weighted}
@group(0) @binding(3) var<storage, read> given: array<f32>; // [count]
#endif
${mainWgsl(WORKGROUP)}
  let pair = number * ${WORKGROUP}u + local;
  if (pair >= params.count) { return; }
  rows[params.at + pair] = params.base + pair / params.share;
#if ${weighted}
  weights[params.at + pair] = given[pair];
#else
  weights[params.at + pair] = 1.0;
#endif
}
`,
);

export interface Layout extends Teams {
  D: number;
  /** Whether each pair has a weight. */
  weighted: boolean;
}

/**
 * WGSL: `take(&sum, i, rows[i], lane)` adds the weighted row of grouped pair i to a team's sums. Needs the uniform `row_mask` (the bits of a row
 * in `rows`) and bindings `source` and, where weighted, `weights`.
 *
 * A team's lanes share the columns and keep their sums in registers, so no lane waits for another and a row of `source` is read
 * in one coalesced sweep. Bound by those reads, P D floats; several pairs at a time, or a texture for `source`, are no faster.
 */
export function sums({ D, weighted, ...teams }: Layout): string {
  const cells = cellsOf(D);
  return wgsl`${teamsWgsl(teams)}
alias Cell = ${cells.type};
const CELLS = ${cells.count}u;
const EACH = ${Math.ceil(cells.count / teams.lanes)}u; // cells per lane

fn take(sum: ptr<function, array<Cell, EACH>>, i: u32, word: u32, lane: u32) {
  let at = (word & params.row_mask) * CELLS + lane;
#if ${weighted}
  let weight = weights[i];
#else
  let weight = 1.0;
#endif
  for (var e = 0u; e < EACH; e++) {
    if (lane + e * LANES < CELLS) { (*sum)[e] += weight * source[at + e * LANES]; }
  }
}
`;
}

/** Sums each block of BLOCK grouped pairs that lies within one item, so that no team has to sum a very popular one alone. */
export const blockSums = program(
  'scatter_add.blocks',
  (layout: Layout) => wgsl`
struct Params { P: u32, pair_mask: u32, row_mask: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> ids: array<u32>; // [P]
@group(0) @binding(2) var<storage, read> keys: array<u32>; // [P]
@group(0) @binding(3) var<storage, read> rows: array<u32>; // [P]
@group(0) @binding(4) var<storage, read> source: array<${cellsOf(layout.D).type}>; // [Q, D]
@group(0) @binding(5) var<storage, read_write> partial: array<${cellsOf(layout.D).type}>; // [P / BLOCK, D]
#if ${layout.weighted}
@group(0) @binding(6) var<storage, read> weights: array<f32>; // [P], arranged
#endif
${sums(layout)}${TEAMS_MAIN}
  let first = team * ${BLOCK}u;
  let end = first + ${BLOCK}u;
  if (end > params.P) { return; }
  if (ids[keys[first] & params.pair_mask] != ids[keys[end - 1u] & params.pair_mask]) { return; }
  var sum: array<Cell, EACH>;
  for (var i = first; i < end; i++) { take(&sum, i, rows[i], lane); }
  for (var e = 0u; e < EACH; e++) {
    let c = lane + e * LANES;
    if (c < CELLS) { partial[team * CELLS + c] = sum[e]; }
  }
}
`,
);

/** WGSL: `sum`, a team's share of the sum of row `team`: up to the first block border, the whole blocks, and what is left. */
export const ROW_SUM = /* wgsl */ `
  let first = starts[team];
  let end = starts[team + 1u];
  let first_block = (first + ${BLOCK - 1}u) / ${BLOCK}u;
  let end_block = end / ${BLOCK}u;
  let head = min(first_block * ${BLOCK}u, end);
  var sum: array<Cell, EACH>;
  for (var i = first; i < head; i++) { take(&sum, i, rows[i], lane); }
  for (var block = first_block; block < end_block; block++) {
    for (var e = 0u; e < EACH; e++) {
      let c = lane + e * LANES;
      if (c < CELLS) { sum[e] += partial[block * CELLS + c]; }
    }
  }
  for (var i = max(head, end_block * ${BLOCK}u); i < end; i++) { take(&sum, i, rows[i], lane); }
`;

/** Sums each item's pairs. */
export const rowSums = program(
  'scatter_add.rows',
  ({ add, ...layout }: Layout & { add: boolean }) => wgsl`
struct Params { R: u32, row_mask: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rows: array<u32>; // [P]
@group(0) @binding(2) var<storage, read> starts: array<u32>; // [R + 1]
@group(0) @binding(3) var<storage, read> source: array<${cellsOf(layout.D).type}>; // [Q, D]
@group(0) @binding(4) var<storage, read> partial: array<${cellsOf(layout.D).type}>; // [P / BLOCK, D]
@group(0) @binding(5) var<storage, read_write> into: array<${cellsOf(layout.D).type}>; // [R, D]
#if ${layout.weighted}
@group(0) @binding(6) var<storage, read> weights: array<f32>; // [P], arranged
#endif
${sums(layout)}${TEAMS_MAIN}
  if (team >= params.R) { return; }
${ROW_SUM}
  for (var e = 0u; e < EACH; e++) {
    let c = lane + e * LANES;
    if (c < CELLS) {
#if ${add}
      into[team * CELLS + c] += sum[e];
#else
      into[team * CELLS + c] = sum[e];
#endif
    }
  }
}
`,
);
