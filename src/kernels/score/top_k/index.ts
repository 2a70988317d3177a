import { GsasError } from '../../../base/errors.js';
import type { Op } from '../../../engine/kernel.js';
import type { Stream } from '../../../engine/stream.js';
import { checkShapes, type Tensor } from '../../../engine/tensor.js';
import { cellsOf } from '../../cells.js';
import { integers } from '../../inputs.js';
import { type CatalogueCase, catalogueInputs, ITEMS, tileOf } from '../catalogue.js';
import { type BegunRanks, beginRanks } from '../rank/index.js';
import { rankReference } from '../rank/reference.js';
import { topKReference } from './reference.js';
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
 * @param table [N+2, D]; rows 0 and N+1 are no items
 * @param excluded [B, ceil((N+2)/32)] u32; bit i % 32 of word i / 32: item i is out
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
  table: Tensor,
  excluded: Tensor,
  numItems: number,
  k: number,
  { held = HELD, ranked }: TopKOptions = {},
): { ids: Tensor; scores: Tensor } {
  const { B, D } = checkShapes('top_k', {
    h: [h, 'B', 'D'],
    table: [table, numItems + 2, 'D'],
    excluded: [excluded, 'B', Math.ceil((numItems + 2) / 32)],
  });
  const most = Math.min(numItems, MOST_TOP_K);
  if (!Number.isInteger(k) || k < 1 || k > most) {
    throw new GsasError(`top_k: k is ${k}, but must be a whole number from 1 to ${most}, with ${numItems} items`);
  }
  const tile = tileOf(stream.gpu.capabilities, D, B);
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
        ...{ h, table, excluded, scores, B, N: numItems, cells: cellsOf(D).count, start, columns },
        ...(ranked && { target_score: ranked.score, rank: ranked.ranks }),
      },
      [tiles, Math.ceil(B / tile.rows)],
    );
    stream.dispatch(merge, { scores, best_ids: ids, best_scores: best, K: k, start, columns }, [B, 1]);
  }
  stream.release(scores);
  return { ids, scores: best };
}

interface Case extends CatalogueCase {
  k: number;
  held?: number;
  ranked?: boolean;
}

export const topKOp: Op<Case> = {
  name: 'top_k',
  formula: 'the k items of greatest <h, table_i>, not excluded, by (score descending, id ascending)',
  cases: [
    { B: 1, N: 1, D: 1, share: 0, k: 1 },
    { B: 3, N: 31, D: 7, share: 0.9, k: 31 },
    { B: 5, N: 1500, D: 12, share: 0.3, k: 10, held: 5 * 256 },
    { B: 17, N: 1031, D: 20, share: 0.1, k: 257, real: true },
    { B: 2, N: 2500, D: 3, share: 0, k: 512, real: true, held: 2 * 1024 },
    { B: 19, N: 1031, D: 20, share: 0.3, k: 5, held: 19 * 512, ranked: true },
  ],
  benchShapes: [
    { B: 512, N: 3416, D: 128, share: 0.05, k: 10 },
    { B: 16, N: 54_542, D: 64, share: 0, k: 100 },
  ],
  inputs: (shape, random) => ({
    ...catalogueInputs(shape, random),
    ...(shape.ranked && { targets: integers(random, [shape.B], 1, shape.N) }),
  }),
  differentiable: [],
  run: ({ stream }, { N, k, ranked, held }, { h, table, targets, excluded }) => {
    const begun = ranked ? beginRanks(stream, h!, table!, targets!, excluded!, N) : undefined;
    const best = topK(stream, h!, table!, excluded!, N, k, { ...(held && { held }), ...(begun && { ranked: begun }) });
    return { ...best, ...(begun && { rank: begun.ranks }) };
  },
  reference: ({ N, k, ranked }, { h, table, targets, excluded }) => {
    const inputs = [h as Float64Array, table as Float64Array] as const;
    const rank = () => rankReference(...inputs, targets as Uint32Array, excluded as Uint32Array, N);
    return { ...topKReference(...inputs, excluded as Uint32Array, N, k), ...(ranked && { rank: rank() }) };
  },
  forward: ({ B, N, D }) => ({ bytes: 4 * (N * D + B * D + (B * N) / 32), flops: 2 * B * N * D }),
};
