import { GsasError } from '../../../base/errors.js';
import type { Stream } from '../../../engine/stream.js';
import type { Table } from '../../../engine/table.js';
import { checkShapes, type Tensor } from '../../../engine/tensor.js';
import { cellsOf } from '../../cells.js';
import type { BegunRanks } from '../rank/index.js';
import { checkCatalogue, ITEMS, tileOf } from '../scores.js';
import { mergeChunk, scoreChunk } from './shader.js';

export const MOST_TOP_K = 512; // twice as many entries of eight bytes are half of the least workgroup memory
const HELD = 2 ** 22; // scores in memory at one time: 16 MiB

export interface TopKOptions {
  held?: number;
  ranked?: BegunRanks;
}

/**
 * The k best items of each row, by score, the lower id first among equals. The catalogue is scored in chunks that fit into 16 MiB, and
 * each chunk is merged into the best so far.
 * @param h [B, D]
 * @param table [R, D], R > N; rows 0 and above N are no items and are not looked at
 * @param excluded [B, W] u32, 32 W > N; bit i % 32 of word i / 32: item i is out
 * @param numItems N
 * @param k 1 … min(N, 512)
 * @param options.held scores in memory at one time, at most (but one tile, 256 items, a row)
 * @param options.ranked targets whose rivals are counted meanwhile: `ranks` is then what `rank` would return
 * @returns ids [B, k] u32 and scores [B, k], best first; where fewer than k items remain, id 0 and the lowest float32
 * @throws ShapeError when an axis disagrees; GsasError when k is out of range
 */
export function topK(
  stream: Stream,
  h: Tensor,
  table: Table,
  excluded: Tensor,
  numItems: number,
  k: number,
  { held = HELD, ranked }: TopKOptions = {},
): { ids: Tensor; scores: Tensor } {
  const { B, D } = checkShapes('top_k', {
    h: [h, 'B', 'D'],
    table: [table, 'R', 'D'],
    excluded: [excluded, 'B', 'W'],
  });
  checkCatalogue('top_k', table, excluded, numItems);
  const most = Math.min(numItems, MOST_TOP_K);
  if (!Number.isInteger(k) || k < 1 || k > most) {
    throw new GsasError(`top_k: k is ${k}, but must be a whole number from 1 to ${most}, with ${numItems} items`);
  }
  const tile = tileOf(stream.gpu.capabilities, table, B);
  const tiles = Math.min(Math.ceil((numItems + 1) / ITEMS), Math.max(1, Math.floor(held / B / ITEMS)));
  const columns = tiles * ITEMS;
  const capacity = Math.min(2 * MOST_TOP_K, Math.max(512, 2 ** Math.ceil(Math.log2(4 * k))));
  const merge = mergeChunk({ capacity, workgroup: 32 });
  const ids = stream.empty([B, k], 'u32');
  const best = stream.empty([B, k]);
  const scores = stream.empty([B, columns]);
  for (let start = 0; start <= numItems; start += columns) {
    stream.dispatch(
      scoreChunk({ ...tile, ranked: ranked !== undefined }),
      {
        ...{ h, ...table.bindings('table'), excluded, scores, B, N: numItems },
        ...{ cells: cellsOf(D).count, words: excluded.shape[1], start, columns },
        ...(ranked && { target_score: ranked.score, rank: ranked.ranks }),
      },
      [tiles, Math.ceil(B / tile.rows)],
      B * columns * D,
    );
    stream.dispatch(merge, { scores, best_ids: ids, best_scores: best, K: k, start, columns }, [B, 1]);
  }
  stream.release(scores);
  return { ids, scores: best };
}
