import { type Dropout, dropoutUniforms, type RandomState } from '../../engine/random.js';
import type { Stream } from '../../engine/stream.js';
import { checkShapes, type Tensor } from '../../engine/tensor.js';
import { columnSumInto } from '../column_sum/index.js';
import { matmulShader, transposeShader } from './shader.js';
import { builtInTile, chooseTile, tilesOf } from './tile.js';

export interface Transposed {
  transposeA?: boolean;
  transposeB?: boolean;
}

export interface Matmul extends Transposed {
  /** [M, K], or [K, M] with `transposeA`. */
  a: Tensor;
  /** [K, N], or [N, K] with `transposeB`: it is transposed first, so it should be the smaller operand. */
  b: Tensor;
  /** [M, N]. */
  out: Tensor;
  /** Adds to `out` instead of overwriting it. */
  add?: boolean;
  epilogue?: Epilogue;
}

/** residual + dropout(relu(product + bias)), with the parts that are given. */
export interface Epilogue {
  /** [N]. */
  bias?: Tensor | undefined;
  relu?: boolean | undefined;
  /** Element (m, n) is number `dropout4(m, n / 4)[n % 4]` of its site. */
  dropout?: (Dropout & { random: RandomState }) | undefined;
  /** [M, N]. */
  residual?: Tensor | undefined;
}

const ENOUGH_TILES = 256; // workgroups that keep a GPU busy; with fewer, a long K is split
const SHORTEST_SPLIT = 256;

/**
 * out = op(a) op(b), with an epilogue on the product. The order of summation depends on the shapes alone.
 * @throws ShapeError when an axis disagrees
 */
export function matmul(
  stream: Stream,
  { a, b, out, transposeA, transposeB, add = false, epilogue = {} }: Matmul,
): void {
  const { bias, relu = false, dropout, residual } = epilogue;
  const { M, N, K } = checkShapes('matmul', {
    a: transposeA ? [a, 'K', 'M'] : [a, 'M', 'K'],
    b: transposeB ? [b, 'N', 'K'] : [b, 'K', 'N'],
    out: [out, 'M', 'N'],
    ...(bias && { bias: [bias, 'N'] }),
    ...(residual && { residual: [residual, 'M', 'N'] }),
  });
  if (transposeB) {
    const turned = transpose(stream, b);
    matmul(stream, { a, b: turned, out, transposeA: transposeA ?? false, add, epilogue });
    stream.release(turned);
    return;
  }
  const tile = chooseTile(stream.gpu, { M, N, K, transposeA: transposeA ?? false });
  const launch = (target: Tensor, depth: number, accumulate: boolean) => {
    const shader = matmulShader({
      ...tile,
      transposeA: transposeA ?? false,
      add: accumulate,
      bias: bias !== undefined,
      relu,
      dropout: dropout !== undefined,
      residual: residual !== undefined,
    });
    const args = {
      a,
      b,
      out: target,
      ...(bias && { bias }),
      ...(residual && { residual }),
      ...{ M, N, K, depth, rows: tile.rows },
      ...(dropout && dropoutUniforms(dropout.random, dropout)),
    };
    const tiles = tilesOf(tile, M, N) * Math.ceil(K / depth);
    for (const { first, count, work } of stream.gpu.sharesOf(tiles, (M * N * K) / tiles))
      stream.dispatch(shader, { ...args, first_tile: first }, count, work);
  };

  // Always by the built-in tile: how K is split is part of the order of summation.
  const tiles = tilesOf(builtInTile(stream.gpu.capabilities, M, N), M, N);
  const splits = Object.keys(epilogue).length > 0 ? 1 : Math.min(Math.ceil(ENOUGH_TILES / tiles), K / SHORTEST_SPLIT);
  const depth = tile.lanes * Math.ceil(K / Math.max(1, splits) / tile.lanes);
  if (depth >= K) {
    launch(out, depth, add);
    return;
  }
  const parts = stream.empty([Math.ceil(K / depth), M * N]);
  launch(parts, depth, false);
  const flat = stream.view(out, [M * N]);
  columnSumInto(stream, parts, flat, add);
  stream.release(flat);
  stream.release(parts);
}

const WORKGROUP = 64;

/** @returns [C, R] for x [R, C]; the caller releases it. */
function transpose(stream: Stream, x: Tensor): Tensor {
  const [R, C] = x.shape as [number, number];
  const y = stream.empty([C, R]);
  stream.dispatch(transposeShader({ workgroup: WORKGROUP }), { x, y, R, C }, [Math.ceil(R / WORKGROUP), C]);
  return y;
}
