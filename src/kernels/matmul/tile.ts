import type { Capabilities, Gpu } from '../../engine/gpu.js';
import type { MatmulConstants } from './shader.js';

export type MatmulTile = Pick<MatmulConstants, 'subgroups' | 'stated' | 'lanes' | 'rows' | 'cells' | 'cellSize'>;

/** Matrices with up to this many rows have a tile of their own. More tiles for sizes in between would mean more shaders to compile. */
const FEW = 4;

/** Tiles (rows x cells) worth trying, for narrow subgroups (8 lanes or fewer) and others. The built-in choice comes first. */
const NARROW = ['32x2', '16x2', '32x1', '16x1'];
const WIDE = ['16x1', '8x1', '16x2', '32x1', '32x2'];

const TRIAL_ELEMENTS = 2 ** 21; // of the longer operand
const WORTH_ASKING = 2 ** 23; // multiply-adds; fewer take microseconds with any tile

/** The workgroup's tile without a measurement. */
export function builtInTile(capabilities: Capabilities, M: number, N: number): MatmulTile {
  return Object.values(tiles(capabilities, M, N))[0];
}

/** How many tiles cover [M, N]. */
export function tilesOf({ rows, lanes, cells, cellSize }: MatmulTile, M: number, N: number): number {
  return Math.ceil(M / rows) * Math.ceil(N / (lanes * cells * cellSize));
}

/**
 * The tile that was measured to be the fastest for a product of this shape. Each element is summed over k in order whatever the tile, so
 * the bits are the same. Tokens are K of a weight's gradient (op(A) = A^T) and M of all else.
 */
export function chooseTile(
  { capabilities, tuning }: Gpu,
  { M, N, K, transposeA }: { M: number; N: number; K: number; transposeA: boolean },
): MatmulTile {
  const candidates = tiles(capabilities, M, N);
  if (M * N * K < WORTH_ASKING) return Object.values(candidates)[0];
  const size = transposeA ? K : M;
  const rest = transposeA ? M : K;
  const trialSize = Math.min(size, Math.ceil(TRIAL_ELEMENTS / Math.max(rest, transposeA ? N : 1)));
  const trial = transposeA ? { M, N, K: trialSize, transposeA } : { M: trialSize, N, K };
  const shape = `${transposeA ? `A^T M=${M}` : `K=${K}`} N=${N} subgroup=${capabilities.subgroupSize}`;
  return tuning.choose({ op: 'matmul', shape, size, trial }, candidates);
}

/** By name, the built-in tile first. */
function tiles(
  { subgroupSize, subgroupSizeStated: stated }: Capabilities,
  M: number,
  N: number,
): Record<string, MatmulTile> {
  const subgroups = subgroupSize > 0;
  const lanes = subgroupSize || 32;
  const cellSize = [4, 2].find((each) => N % each === 0 && 2 * N > lanes * each) ?? 1;
  const mostRows = M <= FEW ? FEW : Infinity;
  const mostCells = N > lanes * cellSize ? 2 : 1;
  const fitting = (lanes <= 8 ? NARROW : WIDE).map((name): MatmulTile => {
    const [rows, cells] = name.split('x').map(Number);
    return { subgroups, stated, lanes, rows: Math.min(rows, mostRows), cells: Math.min(cells, mostCells), cellSize };
  });
  return Object.fromEntries(fitting.map((tile) => [`${tile.rows}x${tile.cells}`, tile]));
}
