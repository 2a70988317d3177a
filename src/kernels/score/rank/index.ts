import type { Stream } from '../../../engine/stream.js';
import type { Table } from '../../../engine/table.js';
import { checkShapes, type Tensor } from '../../../engine/tensor.js';
import { cellsOf } from '../../cells.js';
import { checkCatalogue, ITEMS, tileOf, WORKGROUP } from '../scores.js';
import { countBetter, targetScores } from './shader.js';

/**
 * The rank of each row's target among items 1 … N: 1 + the number of items, not excluded, that score higher. Equal scores do not
 * count, so an item with the target's very embedding ties with it. No scores are stored.
 * @param h [B, D]
 * @param table [R, D], R > N; rows 0 and above N are no items and are not looked at
 * @param targets [B] u32
 * @param excluded [B, W] u32, 32 W > N; bit i % 32 of word i / 32: item i is out
 * @param numItems N
 * @returns [B] u32; 0, not found, for a target that is excluded, no item, or scored NaN or infinity
 * @throws ShapeError when an axis disagrees
 */
export function rank(
  stream: Stream,
  h: Tensor,
  table: Table,
  targets: Tensor,
  excluded: Tensor,
  numItems: number,
): Tensor {
  const { score, ranks } = beginRanks(stream, h, table, targets, excluded, numItems);
  const [B, D] = h.shape as [number, number];
  const tile = tileOf(stream.gpu.capabilities, table, B);
  const args = { h, ...table.bindings('table'), target_score: score, excluded, rank: ranks };
  const numbers = { B, N: numItems, cells: cellsOf(D).count, words: excluded.shape[1] };
  for (const { first, count, work } of stream.gpu.sharesOf(Math.ceil((numItems + 1) / ITEMS), B * ITEMS * D)) {
    const grid = [count, Math.ceil(B / tile.rows)] as const;
    stream.dispatch(countBetter(tile), { ...args, ...numbers, start: first * ITEMS }, grid, work);
  }
  stream.release(score);
  return ranks;
}

/** Targets whose rivals are still to be counted. */
export interface BegunRanks {
  /** [B] the targets' scores; the largest float32 where the rank is 0 */
  score: Tensor;
  /** [B] u32: 1, or 0 for what is not to be found, see `rank` */
  ranks: Tensor;
}

/** The first half of `rank`, for a kernel that scores the catalogue anyway and counts while it does. @throws as `rank` */
export function beginRanks(
  stream: Stream,
  h: Tensor,
  table: Table,
  targets: Tensor,
  excluded: Tensor,
  numItems: number,
): BegunRanks {
  const { B, D } = checkShapes('rank', {
    h: [h, 'B', 'D'],
    table: [table, 'R', 'D'],
    targets: [targets, 'B'],
    excluded: [excluded, 'B', 'W'],
  });
  checkCatalogue('rank', table, excluded, numItems);
  const ranks = stream.empty([B], 'u32');
  const score = stream.empty([B]);
  stream.dispatch(
    targetScores({ ...tileOf(stream.gpu.capabilities, table, B), rows: 1, lanes: 0 }),
    {
      h,
      ...table.bindings('table'),
      targets,
      excluded,
      target_score: score,
      rank: ranks,
      B,
      N: numItems,
      cells: cellsOf(D).count,
      words: excluded.shape[1],
    },
    [Math.ceil(B / WORKGROUP), 1],
  );
  return { score, ranks };
}
