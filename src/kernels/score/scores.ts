import { ShapeError } from '../../base/errors.js';
import type { Capabilities } from '../../engine/gpu.js';
import { type Table, type TableLayout, tableWgsl } from '../../engine/table.js';
import type { Tensor } from '../../engine/tensor.js';
import { enableSubgroups, mainWgsl, type Subgroups, wgsl } from '../../engine/wgsl.js';
import { type Cells, cellsOf } from '../cells.js';

/** How scores of the catalogue are computed: a workgroup scores `rows` rows of h against `ITEMS` neighbouring items. */
export interface Tile extends Subgroups {
  cell: Cells['type'];
  rows: number;
  /** Lanes that share rows of h by broadcast: a subgroup whose size divides `rows`; else 0, and every lane loads them. */
  lanes: number;
  table: TableLayout;
}

export const WORKGROUP = 64;
/** Items of a tile, four neighbours a lane. */
export const ITEMS = 4 * WORKGROUP;

/** @throws ShapeError where items 1 … N have no row of the table or no bit of the mask */
export function checkCatalogue(op: string, table: Table, excluded: Tensor, numItems: number): void {
  if (table.rows <= numItems) throw new ShapeError(`${op}: table [${table.shape}] has no row for item ${numItems}`);
  const bits = 32 * excluded.shape[1];
  if (bits <= numItems)
    throw new ShapeError(`${op}: excluded [${excluded.shape}] has ${bits} bits a row, but none for item ${numItems}`);
}

/** Up to so many rows have a tile of their own; one for every number between would be a shader more to compile for each. */
const FEW = 4;

/** The tile for B rows: no higher than they are, so that one history does not cost as much as sixteen. */
export function tileOf({ subgroupSize, subgroupSizeStated }: Capabilities, table: Table, B: number): Tile {
  const shared = subgroupSize > 0 && 16 % subgroupSize === 0;
  const most = shared ? 16 : 8;
  const rows = B <= FEW ? FEW : most;
  return {
    cell: cellsOf(table.D).type,
    table: table.layout,
    rows,
    lanes: shared && rows % subgroupSize === 0 ? subgroupSize : 0,
    stated: subgroupSizeStated,
  };
}

/**
 * WGSL, to stand first in the shader: bindings 1 and 2, h and table, and `score_tile(first, items, lane)`, the scores of four items
 * in rows first … first + ROWS - 1 (clamped to `params.B` - 1); `lane` as `scoreMain` has it. Needs `params.B` and `params.cells`, the cells of a
 * row.
 *
 * A lane holds ROWS x 4 sums in registers, so that a cell of the table serves all rows and a cell of h four items. Bound by
 * arithmetic: a tile takes ROWS x 4 multiply-adds for 4 + ROWS / lanes loads (4 + ROWS without subgroups).
 * D is no constant of the code: a loop of known length would be unrolled, which multiplies the time to compile.
 * Every score is one chain of `fma` over d = 0 … D - 1, whatever the tile: equal embeddings have equal scores, bit for bit.
 */
export function catalogueWgsl(tile: Tile): string {
  const { cell, rows, lanes, table } = tile;
  const parts = cell === 'f32' ? [''] : ['.x', '.y', '.z', '.w'];
  const each = (count: number, line: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => line(i)).join('\n  ');
  const multiplyAdd = (i: number, d: string) =>
    `s${i} = fma(vec4f(x${d}), vec4f(e0${d}, e1${d}, e2${d}, e3${d}), s${i});`;
  const held = lanes > 0 ? rows / lanes : rows; // rows whose cells a lane loads
  const rowOf = (i: number) => (lanes > 0 ? `${i * lanes}u + lane % ${lanes}u` : `${i}u`);
  const cellOf = (i: number) => (lanes > 0 ? `subgroupBroadcast(h${Math.floor(i / lanes)}, ${i % lanes}u)` : `h${i}`);
  return wgsl`
#if ${lanes > 0}
${enableSubgroups(tile)}
#endif
const ROWS = ${rows}u;
const WORKGROUP_SIZE = ${WORKGROUP}u;
const ITEMS = ${ITEMS}u;
@group(0) @binding(1) var<storage, read> h: array<${cell}>; // [B, D]
alias Cell = ${cell};
${tableWgsl('table', 2, { cell, cells: 'params.cells', layout: table })}
fn score_tile(first: u32, items: vec4u, lane: u32) -> array<vec4f, ROWS> {
  let at = items * params.cells;
  ${each(rows, (i) => `var s${i} = vec4f();`)}
  ${each(held, (i) => `let row${i} = min(first + ${rowOf(i)}, params.B - 1u) * params.cells;`)}
  for (var d = 0u; d < params.cells; d++) {
    let e0 = table_cell(at.x + d);
    let e1 = table_cell(at.y + d);
    let e2 = table_cell(at.z + d);
    let e3 = table_cell(at.w + d);
    ${each(held, (i) => `let h${i} = h[row${i} + d];`)}
    ${each(rows, (i) => `{ let x = ${cellOf(i)}; ${parts.map((d) => multiplyAdd(i, d)).join(' ')} }`)}
  }
  return array<vec4f, ROWS>(${each(rows, (i) => `s${i},`)});
}
`;
}

/** WGSL: opens `main` with the `lane` that `score_tile` takes. */
export function scoreMain(tile: Tile): string {
  return tile.lanes > 0
    ? mainWgsl('WORKGROUP_SIZE', tile)
    : `${mainWgsl('WORKGROUP_SIZE')}\n  let lane = 0u; // not used`;
}
