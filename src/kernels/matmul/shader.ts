import { DROPOUT_PARAMS, DROPOUT_WGSL } from '../../engine/dropout.js';
import { PHILOX_WGSL } from '../../engine/philox.js';
import { program } from '../../engine/program.js';
import { wgsl } from '../../engine/wgsl.js';

export interface MatmulConstants {
  /** Lanes of a workgroup: one whole subgroup where `subgroups` is true. */
  lanes: number;
  subgroups: boolean;
  /** Rows of a tile. */
  rows: number;
  /** Neighbouring columns of a lane: 4, 2 or 1, a divisor of N. */
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
 * out = op(A) B and its epilogue. One workgroup owns a tile of `rows` rows by lanes x columns columns; a lane holds `rows` vectors of
 * `columns` sums in registers, so an element of B that was loaded once serves `rows` rows.
 * - With subgroups, lane l holds A[row, k + l] and hands it to the others by subgroupBroadcast.
 * - Without, all lanes load A[row, k] from the same address, which a GPU serves by one transaction.
 * No workgroup memory and no barrier.
 */
export const matmulShader = program('matmul', (constants: MatmulConstants) => {
  const { lanes, subgroups, rows, columns, transposeA, add, bias, relu, dropout, residual } = constants;
  const vector = columns === 1 ? 'f32' : `vec${columns}<f32>`;
  return wgsl`
#if ${subgroups}
enable subgroups;
#endif
#if ${dropout}
${PHILOX_WGSL}
#endif
struct Params {
  M: u32, N: u32, K: u32,
  depth: u32, // a multiple of lanes: how much of K one workgroup sums
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
#if ${bias}
  value += bias[column];
#endif
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
  let across = (width + ${lanes - 1}u) / ${lanes}u;
  let tiles = across * ((params.M + ${rows - 1}u) / ${rows}u);
  let number = workgroup.x + workgroup.y * workgroups.x;
  let tile = number % tiles;
  let split = number / tiles;
  let row = tile / across * ${rows}u;
  let column = tile % across * ${lanes}u + lane;
  let first = split * params.depth;
  if (first >= params.K) { return; } // the whole workgroup
  let end = min(first + params.depth, params.K);

  // Lanes and rows beyond the matrix compute the last column or row once more and store nothing.
  let source = min(column, width - 1u);
  ${unroll(rows, (i) => `let row${i} = min(row + ${i}u, params.M - 1u); var sum${i} = ${vector}();`)}
#if ${subgroups}
  for (var k = first; k < end; k += ${lanes}u) {
    let mine = min(k + lane, end - 1u);
    let inside = k + lane < end;
    ${unroll(rows, (i) => `let a${i} = select(0.0, a_at(row${i}, mine), inside);`)}
    ${unroll(
      lanes,
      (j) => `{
      let line = b[min(k + ${j}u, end - 1u) * width + source];
      ${unroll(rows, (i) => `sum${i} += subgroupBroadcast(a${i}, ${j}u) * line;`)}
    }`,
    )}
  }
#else
  for (var k = first; k < end; k++) {
    let line = b[k * width + source];
    ${unroll(rows, (i) => `sum${i} += a_at(row${i}, k) * line;`)}
  }
#endif
  ${unroll(rows, (i) => `finish(split, row + ${i}u, column, sum${i});`)}
}
`;
});

/** y = x^T, one lane an element, writes in order: bound by its loads. For the small operand of a product only. */
export const transposeShader = program(
  'matmul.transpose',
  ({ workgroup }: { workgroup: number }) => wgsl`
struct Params { R: u32, C: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>; // [R, C]
@group(0) @binding(2) var<storage, read_write> y: array<f32>; // [C, R]
@compute @workgroup_size(${workgroup})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let i = (workgroup.x + workgroup.y * workgroups.x) * ${workgroup}u + local;
  if (i < params.R * params.C) { y[i] = x[i % params.R * params.C + i / params.R]; }
}
`,
);
