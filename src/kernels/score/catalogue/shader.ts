import { program } from '../../../engine/program.js';
import { type TableLayout, tableWgsl } from '../../../engine/table.js';
import { mainWgsl, wgsl } from '../../../engine/wgsl.js';
import { type Cell, cellsOf } from '../../cells.js';

export const WORKGROUP = 64;

/** Cells of a row that an invocation of `tileItems` copies: of four floats, a cache line. */
export const TILE_CELLS = 4;

/**
 * Rows of the table as the products take them: `columns` is their transpose, to score with, and `rows` the rows themselves. They are those of
 * neighbouring items or, with `lists`, of several lists of items. What is no item, and what pads a tile to whole cells, is 0 in both.
 *
 * One invocation copies a few neighbouring cells of a row, so that a cache line of the table is read, and one of `rows` written, by one lane at once, while
 * neighbouring lanes write neighbours in `columns`. Bound by memory.
 */
export const tileItems = program(
  'score.catalogue.items',
  ({
    cell: { type, size },
    table,
    rows,
    lists = false,
  }: {
    cell: Cell;
    table: TableLayout;
    rows: boolean;
    lists?: boolean;
  }) => wgsl`
alias Cell = ${type};
struct Params { ${lists ? 'count: u32' : 'first: u32'}, N: u32, W: u32, D: u32 }
@group(0) @binding(0) var<uniform> params: Params;
${tableWgsl('table', 1, { cell: type, cells: `(params.D / ${size}u)`, layout: table })}
@group(0) @binding(2) var<storage, read_write> columns: array<f32>; // [lists, D, W]
#if ${rows}
@group(0) @binding(3) var<storage, read_write> rows: array<${type}>; // [lists, W, D]
#endif
#if ${lists}
@group(0) @binding(4) var<storage, read> candidates: array<u32>; // [lists, W]
#endif
@compute @workgroup_size(${WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3u) {
#if ${lists}
  if (id.x >= params.count) { return; }
  let item = candidates[id.x];
  let column = id.x / params.W * params.D * params.W + id.x % params.W;
#else
  if (id.x >= params.W) { return; }
  let item = params.first + id.x;
  let column = id.x;
#endif
  let cells = params.D / ${size}u;
  let is_item = item >= 1u && item <= params.N;
  for (var c = ${TILE_CELLS}u * id.y; c < min(${TILE_CELLS}u * (id.y + 1u), cells); c++) {
    var value = Cell();
    if (is_item) { value = table_cell(item * cells + c); }
#if ${size === 1}
    columns[column + c * params.W] = value;
#else
    for (var j = 0u; j < 4u; j++) { columns[column + (4u * c + j) * params.W] = value[j]; }
#endif
#if ${rows}
    rows[id.x * cells + c] = value;
#endif
  }
}
`,
);

/**
 * The positives' slopes, where they are known after those of the candidates: their part of the gradient of h, and the pairs that bring the table its part.
 * One invocation a cell. Bound by memory, and little beside the products.
 */
export const answerForPositives = program(
  'score.catalogue.positives',
  ({ D, table, weighted }: { D: number; table: TableLayout; weighted: boolean }) => {
    const { type, count } = cellsOf(D);
    return wgsl`
alias Cell = ${type};
const CELLS = ${count}u;
struct Params { T: u32 }
@group(0) @binding(0) var<uniform> params: Params;
${tableWgsl('table', 1, { cell: type, cells: 'CELLS', layout: table })}
@group(0) @binding(2) var<storage, read> targets: array<u32>; // [T]; weighted [T, 2]
@group(0) @binding(3) var<storage, read> running: array<vec2<f32>>; // [T, 2]: the positive's score and slope
@group(0) @binding(4) var<storage, read_write> dh: array<${type}>; // [T, D]
@group(0) @binding(5) var<storage, read_write> ids: array<u32>; // [T]
@group(0) @binding(6) var<storage, read_write> slopes: array<f32>; // [T]
${mainWgsl(WORKGROUP)}
  let i = number * ${WORKGROUP}u + local;
  let t = i / CELLS;
  if (t >= params.T) { return; }
  let target_item = targets[${weighted ? '2u * t' : 't'}];
  let slope = running[t].y;
  dh[i] += slope * table_cell(target_item * CELLS + i % CELLS);
  if (i % CELLS == 0u) {
    ids[t] = target_item;
    slopes[t] = slope;
  }
}
`;
  },
);
