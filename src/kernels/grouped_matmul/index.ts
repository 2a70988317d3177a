import type { Stream } from '../../engine/stream.js';
import { checkShapes, type Tensor } from '../../engine/tensor.js';
import { matmulShader } from '../matmul/shader.js';
import { builtInTile, tilesOf } from '../matmul/tile.js';

/** Rows of a tile, which no two groups share: long groups fill most of their tiles, and short ones leave few rows of one empty. */
const ROWS = 16;

const PLAIN = { add: false, bias: false, relu: false, dropout: false, residual: false } as const;

/** Groups of consecutive rows: group g has those from starts[g] to starts[g + 1] - 1. */
export interface RowGroups {
  /** [G + 1] */
  readonly starts: Tensor;
  /** [n, 3] The same as tiles of up to 16 rows: a row, how many from there, and the group. */
  readonly segments: Tensor;
}

/** What `RowGroups` hold, to be uploaded. @param starts [G + 1], ascending */
export function rowGroups(starts: readonly number[]): { starts: Uint32Array; segments: Uint32Array } {
  const segments: number[] = [];
  for (let g = 0; g + 1 < starts.length; g++) {
    for (let row = starts[g]; row < starts[g + 1]; row += ROWS)
      segments.push(row, Math.min(ROWS, starts[g + 1] - row), g);
  }
  return { starts: Uint32Array.from(starts), segments: Uint32Array.from(segments) };
}

/**
 * out[to + i] = a[from + i] b[g] for each row i of each group g, all groups in one launch.
 * @param a [R, K]
 * @param b [G, K, N], a matrix for each group
 * @param out [Q, N]; rows of no group stay as they are
 * @throws ShapeError when an axis disagrees
 */
export function matmulByRows(
  stream: Stream,
  { starts, segments }: RowGroups,
  { a, b, out, from = 0, to = 0 }: { a: Tensor; b: Tensor; out: Tensor; from?: number; to?: number },
): void {
  const { N, K, n } = checkShapes('matmul', {
    ...{ a: [a, 'R', 'K'], b: [b, starts.shape[0] - 1, 'K', 'N'], out: [out, 'Q', 'N'], segments: [segments, 'n', 3] },
  });
  const tile = { ...builtInTile(stream.gpu.capabilities, ROWS, N), rows: ROWS };
  const shader = matmulShader({ ...tile, ...PLAIN, transposeA: false, groups: 'rows' });
  const sizes = { M: out.shape[0], N, K, segments_count: n, rows: ROWS, source: from, destination: to };
  stream.dispatch(shader, { a, b, out, segments, ...sizes }, n * tilesOf(tile, 1, N), a.shape[0] * K * N);
}

/**
 * out[g] = the sum over rows i of group g of a[i]^T b[base + i], all groups in one launch.
 * @param a [R, M]
 * @param b [Q, N]
 * @param out [G, M, N]
 * @throws ShapeError when an axis disagrees
 */
export function matmulByDepth(
  stream: Stream,
  { starts }: RowGroups,
  { a, b, out, base = 0 }: { a: Tensor; b: Tensor; out: Tensor; base?: number },
): void {
  const G = starts.shape[0] - 1;
  const { M, N } = checkShapes('matmul', { a: [a, 'R', 'M'], b: [b, 'Q', 'N'], out: [out, G, 'M', 'N'] });
  const tile = builtInTile(stream.gpu.capabilities, M, N);
  const shader = matmulShader({ ...tile, ...PLAIN, transposeA: true, groups: 'depth' });
  const sizes = { M, N, K: a.shape[0], groups: G, base, rows: tile.rows };
  stream.dispatch(shader, { a, b, out, starts, ...sizes }, G * tilesOf(tile, M, N), a.shape[0] * M * N);
}
