import { PHILOX_WGSL } from '../../base/philox.js';
import { program } from '../../engine/program.js';
import { DROPOUT_PARAMS, DROPOUT_WGSL } from '../../engine/random.js';
import { enableSubgroups, laneMainWgsl, type Subgroups, wgsl } from '../../engine/wgsl.js';

export interface MatmulConstants extends Subgroups {
  subgroups: boolean;
  /** Lanes of a workgroup: with `subgroups` one whole subgroup. A power of two. */
  lanes: number;
  /** Rows of a workgroup's tile, a power of two. */
  rows: number;
  /** Cells of a row that each lane holds. */
  cells: number;
  /** Neighbouring columns in a cell: 4, 2 or 1, a divisor of N. */
  cellSize: number;
  transposeA: boolean;
  add: boolean;
  bias: boolean;
  relu: boolean;
  dropout: boolean;
  residual: boolean;
  /**
   * Several products in one launch, see grouped_matmul: of groups of `rows` of A, each with a matrix of B of its own; or of groups of A's and B's `depth`, each
   * with a matrix of out.
   */
  groups?: 'rows' | 'depth';
}

const unroll = (count: number, line: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => line(i)).join('\n');

/**
 * out = op(A) B and its epilogue. One workgroup owns a tile of `rows` rows by lanes x cells x cellSize columns; a lane holds the sums of
 * all rows of its columns in registers, so that an element of B, once loaded, serves all rows. No workgroup memory, no barrier.
 * - With subgroups, the lanes hold a column of A's tile, one row each, and pass it around by subgroupBroadcast.
 * - Without, all lanes load A[row, k] from the same address, which a GPU serves with one transaction.
 *
 * Bound by loads: rows + lanes x cells x cellSize floats for each k, against their product of multiply-adds. So the tile is as large as
 * registers allow. On a CPU a loaded float costs as much as several multiply-adds of a vector, and the body of the loop must stay small:
 * with several k of each row held at once it is unrolled as many times and no longer fits the instruction cache.
 * tile.ts has the built-in tiles. If another is faster on an adapter, `gsas-wgpu tune` or the first training run finds it.
 */
export const matmulShader = program('matmul', (constants: MatmulConstants) => {
  const { subgroups, lanes, rows, cells, cellSize, transposeA, add, bias, relu, dropout, residual, groups } = constants;
  const held = Math.max(1, rows / lanes); // rows of A that a lane holds
  const step = subgroups ? Math.max(1, lanes / rows) : 1; // columns of A that the lanes hold at once
  const finished = Math.min(4, rows); // rows of the epilogue as written out
  const cell = cellSize === 1 ? 'f32' : `vec${cellSize}<f32>`;
  /** The row of B that is multiplied with column k of op(A). */
  const lineOf = (k: string) =>
    groups === 'rows' ? `(matrix * params.K + ${k})` : groups === 'depth' ? `(params.base + ${k})` : k;
  const start = (v: number) => (bias ? `bias[column${v}]` : `${cell}()`);
  return wgsl`
#if ${subgroups}
${enableSubgroups(constants)}
#endif
#if ${dropout}
${PHILOX_WGSL}
#endif
struct Params {
  M: u32, N: u32, K: u32,
#if ${groups === 'rows'}
  segments_count: u32,
  source: u32, // the row of a in which the segments' row 0 is,
  destination: u32, // and that of out
#elif ${groups === 'depth'}
  groups: u32,
  base: u32, // the row of b that row 0 of a is multiplied with
#else
  depth: u32, // how much of K one workgroup sums
  first_tile: u32, // the launch's first tile, where others have a share of the product
#endif
  rows: u32, // of a tile: what the compiler does not know, it does not unroll
#if ${dropout}
  ${DROPOUT_PARAMS}
#endif
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>; // ${transposeA ? '[K, M]' : '[M, K]'}
@group(0) @binding(2) var<storage, read> b: array<${cell}>; // [K, N]
@group(0) @binding(3) var<storage, read_write> out: array<${cell}>; // [ceil(K / depth), M, N]
#if ${groups === 'rows'}
@group(0) @binding(6) var<storage, read> segments: array<u32>; // [segments, 3]: a row, how many from there, up to ${rows}; and the matrix of b
#elif ${groups === 'depth'}
@group(0) @binding(6) var<storage, read> starts: array<u32>; // [groups + 1]: the first row of a in each group
#endif
#if ${bias}
@group(0) @binding(4) var<storage, read> bias: array<${cell}>; // [N]
#endif
#if ${residual}
@group(0) @binding(5) var<storage, read> residual: array<${cell}>; // [M, N]
#endif

fn a_at(row: u32, k: u32) -> f32 {
#if ${transposeA}
  return a[k * params.M + row];
#else
  return a[row * params.K + k];
#endif
}

#if ${dropout}
${DROPOUT_WGSL}
fn dropped(row: u32, column: u32) -> ${cell} {
  let factors = dropout4(row, column * ${cellSize}u / 4u);
#if ${cellSize === 4}
  return factors;
#elif ${cellSize === 2}
  return select(factors.xy, factors.zw, (column & 1u) == 1u);
#else
  return factors[column & 3u];
#endif
}
#endif

/// The epilogue of one row, unless it is beyond the last; column counts cells.
fn finish(split: u32, row: u32, rows_end: u32, column: u32, sum: ${cell}) {
  if (row >= rows_end || column >= params.N / ${cellSize}u) { return; }
  var value = sum;
#if ${relu}
  value = max(value, ${cell}());
#endif
#if ${dropout}
  value *= dropped(row, column);
#endif
  let at = (split * params.M + row) * (params.N / ${cellSize}u) + column;
#if ${residual}
  value += residual[at];
#endif
#if ${add}
  value += out[at];
#endif
  out[at] = value;
}

${laneMainWgsl(lanes, constants)}
  let width = params.N / ${cellSize}u; // cells in a row of B
  let across = (width + ${lanes * cells - 1}u) / ${lanes * cells}u;
#if ${groups === 'rows'}
  if (number >= across * params.segments_count) { return; } // the whole workgroup
  let segment = 3u * (number / across);
  let matrix = segments[segment + 2u];
  let split = 0u;
  let row = params.source + segments[segment];
  let rows_end = row + segments[segment + 1u];
  let column = number % across * ${lanes * cells}u + lane;
  let first = 0u;
  let end = params.K;
#else
  let tiles = across * ((params.M + ${rows - 1}u) / ${rows}u);
#if ${groups === 'depth'}
  let place = number;
#else
  let place = params.first_tile + number;
#endif
  let tile = place % tiles;
  let split = place / tiles;
  let row = tile / across * ${rows}u;
  let rows_end = params.M;
  let column = tile % across * ${lanes * cells}u + lane;
#if ${groups === 'depth'}
  if (split >= params.groups) { return; } // the whole workgroup
  let first = starts[split];
  let end = starts[split + 1u];
#else
  let first = split * params.depth;
  if (first >= params.K) { return; } // the whole workgroup
  let end = min(first + params.depth, params.K);
#endif
#endif

  // Beyond the matrix the last row or column is computed once more and not stored.
  ${unroll(cells, (v) => `let column${v} = min(column + ${v * lanes}u, width - 1u);`)}
  ${unroll(rows, (i) => unroll(cells, (v) => `var sum${i}_${v} = ${start(v)};`))}
#if ${subgroups}
  ${unroll(held, (h) => `let row${h} = min(row + ${h * lanes}u + lane % ${rows}u, rows_end - 1u);`)}
#else
  ${unroll(rows, (i) => `let row${i} = min(row + ${i}u, rows_end - 1u);`)}
#endif
  for (var k = first; k < end; k += ${step}u) {
#if ${subgroups && step === 1}
    ${unroll(held, (h) => `let a${h} = a_at(row${h}, k);`)}
#elif ${subgroups}
    let mine = k + lane / ${rows}u;
    let a0 = select(0.0, a_at(row0, min(mine, end - 1u)), mine < end);
#endif
    ${unroll(
      step,
      (j) => `{
      let line = ${lineOf(`min(k + ${j}u, end - 1u)`)} * width;
      ${unroll(cells, (v) => `let b${v} = b[line + column${v}];`)}
      ${unroll(rows, (i) => {
        const broadcast = `subgroupBroadcast(a${Math.floor(i / lanes)}, ${(i % lanes) + j * rows}u)`;
        return `{
        let factor = ${subgroups ? broadcast : `a_at(row${i}, k)`};
        ${unroll(cells, (v) => `sum${i}_${v} += factor * b${v};`)}
      }`;
      })}
    }`,
    )}
  }

  // The epilogue is long, and compilers choke on ${rows} copies: the sums move up to where it is written out.
  let height = min(params.rows, rows_end - row);
#if ${groups === 'rows'}
  let target_row = row - params.source + params.destination;
#else
  let target_row = row;
#endif
  let target_end = target_row + (rows_end - row);
  for (var done = 0u; done < height; done += ${finished}u) {
    ${unroll(finished, (i) =>
      unroll(
        cells,
        (v) => `finish(split, target_row + done + ${i}u, target_end, column + ${v * lanes}u, sum${i}_${v});`,
      ),
    )}
    ${unroll(rows - finished, (i) => unroll(cells, (v) => `sum${i}_${v} = sum${i + finished}_${v};`))}
  }
}
`;
});

/** y = x^T, one lane per element: bound by its loads, which are a row apart (the writes are in order). Only for a small operand. */
export const transposeShader = program(
  'matmul.transpose',
  ({ workgroup }: { workgroup: number }) => wgsl`
struct Params { R: u32, C: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>; // [R, C]
@group(0) @binding(2) var<storage, read_write> y: array<f32>; // [C, R]
@compute @workgroup_size(${workgroup})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let r = workgroup.x * ${workgroup}u + local;
  let c = workgroup.y;
  if (r < params.R) { y[c * params.R + r] = x[r * params.C + c]; }
}
`,
);
