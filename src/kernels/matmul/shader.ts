import { PHILOX_WGSL } from '../../base/philox.js';
import { program } from '../../engine/program.js';
import { DROPOUT_PARAMS, DROPOUT_WGSL } from '../../engine/random.js';
import { wgsl } from '../../engine/wgsl.js';

export interface MatmulConstants {
  subgroups: boolean;
  /** Lanes of a workgroup: with `subgroups` one whole subgroup. A power of two. */
  lanes: number;
  /** Rows of a workgroup's tile, a power of two. */
  rows: number;
  /** Vectors of a row that each lane holds. */
  vectors: number;
  /** Elements of a vector, neighbouring columns: 4, 2 or 1, a divisor of N. */
  columns: number;
  transposeA: boolean;
  add: boolean;
  bias: boolean;
  relu: boolean;
  dropout: boolean;
  residual: boolean;
}

const unroll = (count: number, line: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => line(i)).join('\n');

/**
 * out = op(A) B and its epilogue. One workgroup owns a tile of `rows` rows by lanes x vectors x columns columns; a lane holds the sums of
 * all rows of its columns in registers, so that an element of B, once loaded, serves all rows. No workgroup memory, no barrier.
 * - With subgroups, the lanes hold a column of A's tile, one row each, and hand it round by subgroupBroadcast.
 * - Without, all lanes load A[row, k] from the same address, which a GPU serves by one transaction.
 *
 * Bound by loads: rows + lanes x vectors x columns elements for each k, against their product of multiply-adds; so the tile is as large as
 * registers allow. On lavapipe a loaded element costs about as much as four vector multiply-adds, and the body of the loop must stay
 * small: holding lanes-many k of each row at once unrolls it that often, and it falls out of the instruction cache.
 * [3200, 128] x [128, 128] on lavapipe, 8 lanes of vec4; medians of one alternating run, GFLOP per CPU-second:
 *   rows x vectors      8x1   16x1   32x1   16x2   32x2
 *   a lane holds A's k  4.7    4.5
 *   a lane holds rows   6.2    7.6    9.0   11.1   10.8 (15.1 against 13.2 for 16x2 in another run)
 *   no subgroups               3.9
 * The product transposed as a gradient needs it, [128, 3200] x [3200, 128] in 12 splits: 9.5 (16x1), 10.7 (16x2), 15.0 (32x2).
 * [512, 128] x [128, 3416]: 12.8. That is 24 to 30 % of lavapipe's arithmetic roof, which multiplies registers alone. Dropout in the epilogue costs 15 %, a residual 10 %.
 * With 32 lanes and more, 16 x 1: sums of 64 registers a lane, and enough tiles for many processors. Where another of tile.ts is faster, on
 * whatever adapter, `gsas-wgpu tune` or the first training run finds it.
 */
export const matmulShader = program('matmul', (constants: MatmulConstants) => {
  const { subgroups, lanes, rows, vectors, columns, transposeA, add, bias, relu, dropout, residual } = constants;
  const groups = Math.max(1, rows / lanes); // rows a lane holds of A
  const step = subgroups ? Math.max(1, lanes / rows) : 1; // columns of A that the lanes hold at once
  const finished = Math.min(4, rows); // rows of the epilogue as written out
  const vector = columns === 1 ? 'f32' : `vec${columns}<f32>`;
  const start = (v: number) => (bias ? `bias[column${v}]` : `${vector}()`);
  return wgsl`
#if ${subgroups}
enable subgroups;
#endif
#if ${dropout}
${PHILOX_WGSL}
#endif
struct Params {
  M: u32, N: u32, K: u32,
  depth: u32, // how much of K one workgroup sums
  rows: u32, // of a tile: what the compiler does not know, it does not unroll
#if ${dropout}
  ${DROPOUT_PARAMS}
#endif
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>; // ${transposeA ? '[K, M]' : '[M, K]'}
@group(0) @binding(2) var<storage, read> b: array<${vector}>; // [K, N]
@group(0) @binding(3) var<storage, read_write> out: array<${vector}>; // [ceil(K / depth), M, N]
#if ${bias}
@group(0) @binding(4) var<storage, read> bias: array<${vector}>; // [N]
#endif
#if ${residual}
@group(0) @binding(5) var<storage, read> residual: array<${vector}>; // [M, N]
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
fn dropped(row: u32, column: u32) -> ${vector} {
  let factors = dropout4(row, column * ${columns}u / 4u);
#if ${columns === 4}
  return factors;
#elif ${columns === 2}
  return select(factors.xy, factors.zw, (column & 1u) == 1u);
#else
  return factors[column & 3u];
#endif
}
#endif

/// What becomes of the sums of one row; column counts vectors.
fn finish(split: u32, row: u32, column: u32, sum: ${vector}) {
  if (row >= params.M || column >= params.N / ${columns}u) { return; }
  var value = sum;
#if ${relu}
  value = max(value, ${vector}());
#endif
#if ${dropout}
  value *= dropped(row, column);
#endif
  let at = (split * params.M + row) * (params.N / ${columns}u) + column;
#if ${residual}
  value += residual[at];
#endif
#if ${add}
  value += out[at];
#endif
  out[at] = value;
}

@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u,
        @builtin(local_invocation_index) lane: u32) {
  let width = params.N / ${columns}u; // vectors in a row of B
  let across = (width + ${lanes * vectors - 1}u) / ${lanes * vectors}u;
  let tiles = across * ((params.M + ${rows - 1}u) / ${rows}u);
  let number = workgroup.x + workgroup.y * workgroups.x;
  let tile = number % tiles;
  let split = number / tiles;
  let row = tile / across * ${rows}u;
  let column = tile % across * ${lanes * vectors}u + lane;
  let first = split * params.depth;
  if (first >= params.K) { return; } // the whole workgroup
  let end = min(first + params.depth, params.K);

  // Beyond the matrix the last row or column is computed once more and not stored.
  ${unroll(vectors, (v) => `let column${v} = min(column + ${v * lanes}u, width - 1u);`)}
  ${unroll(rows, (i) => unroll(vectors, (v) => `var sum${i}_${v} = ${start(v)};`))}
#if ${subgroups}
  ${unroll(groups, (g) => `let row${g} = min(row + ${g * lanes}u + lane % ${rows}u, params.M - 1u);`)}
#else
  ${unroll(rows, (i) => `let row${i} = min(row + ${i}u, params.M - 1u);`)}
#endif
  for (var k = first; k < end; k += ${step}u) {
#if ${subgroups && step === 1}
    ${unroll(groups, (g) => `let a${g} = a_at(row${g}, k);`)}
#elif ${subgroups}
    let mine = k + lane / ${rows}u;
    let a0 = select(0.0, a_at(row0, min(mine, end - 1u)), mine < end);
#endif
    ${unroll(
      step,
      (j) => `{
      let line = min(k + ${j}u, end - 1u) * width;
      ${unroll(vectors, (v) => `let b${v} = b[line + column${v}];`)}
      ${unroll(rows, (i) => {
        const held = `subgroupBroadcast(a${Math.floor(i / lanes)}, ${(i % lanes) + j * rows}u)`;
        return `{
        let factor = ${subgroups ? held : `a_at(row${i}, k)`};
        ${unroll(vectors, (v) => `sum${i}_${v} += factor * b${v};`)}
      }`;
      })}
    }`,
    )}
  }

  // The epilogue is long, and compilers take it badly ${rows} times: the sums move up to where it is written out.
  let height = min(params.rows, params.M - row);
  for (var done = 0u; done < height; done += ${finished}u) {
    ${unroll(finished, (i) =>
      unroll(vectors, (v) => `finish(split, row + done + ${i}u, column + ${v * lanes}u, sum${i}_${v});`),
    )}
    ${unroll(rows - finished, (i) => unroll(vectors, (v) => `sum${i}_${v} = sum${i + finished}_${v};`))}
  }
}
`;
});

/** y = x^T, one lane an element: bound by its loads, which lie a row apart (the writes are in order). For a small operand only. */
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
