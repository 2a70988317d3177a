import { ShapeError } from '../../base/errors.js';
import type { RowShare } from '../../engine/gradient.js';
import type { Stream } from '../../engine/stream.js';
import { checkShapes, sizeOf, type Tensor } from '../../engine/tensor.js';
import { PAIRS } from '../group/shader.js';
import { teamsOf, teamWorkgroups } from '../team.js';
import { arrange, BLOCK, blockSums, type Layout, spreadPairs, WORKGROUP } from './shader.js';

/** Pairs of an item and a row: pair p adds weights[p] (or 1) times its row of `source` to item ids[p]. */
export interface Pairs {
  /** [P] u32 */
  ids: Tensor;
  /** [Q, D] */
  source: Tensor;
  /** [P] */
  weights?: Tensor;
  /** The row of pair p is floor(p / share), */
  share: number;
  /** or, where this is given, rows[p]; [P] u32. */
  rows?: Tensor;
}

/** Pairs as they come: P of them, each row of `source` [Q, D] for P / Q. @throws ShapeError when an axis disagrees */
export function pairsOf(op: string, ids: Tensor, source: Tensor, weights?: Tensor): Pairs {
  const { Q } = checkShapes(op, { source: [source, 'Q', 'D'] });
  const P = sizeOf(ids.shape);
  if (weights && sizeOf(weights.shape) !== P)
    throw new ShapeError(`${op}: ${sizeOf(weights.shape)} weights [${weights.shape}] for ${P} ids [${ids.shape}]`);
  if (P % Q !== 0) throw new ShapeError(`${op}: ${P} ids [${ids.shape}] do not divide among the ${Q} rows of source`);
  return { ids, source, ...(weights && { weights }), share: P / Q };
}

/**
 * All pairs of a gradient's shares in one list, those with weights or with several pairs per source row first. Call it within a scope, which
 * releases what it allocates. @throws ShapeError when an axis disagrees
 */
export function joinShares(stream: Stream, op: string, shares: readonly RowShare[]): Pairs {
  const isPlain = ({ share, weights }: Pairs) => share === 1 && !weights;
  const parts = shares
    .map(({ ids, source, weights }) => pairsOf(op, ids, source, weights))
    .sort((a, b) => Number(isPlain(a)) - Number(isPlain(b)));
  if (parts.length === 1) return parts[0];
  const ids = join(
    stream,
    parts.map((part) => part.ids),
  );
  const source = join(
    stream,
    parts.map((part) => part.source),
  );
  const [{ share }] = parts;
  const weights = parts.map((part) => part.weights);
  const alike = parts.every(
    (part) => part.share === share && (part.weights === undefined) === (weights[0] === undefined),
  );
  if (alike) return { ids, source, share, ...(weights[0] && { weights: join(stream, weights as Tensor[]) }) };
  const P = sizeOf(ids.shape);
  const spread = { rows: stream.empty([P], 'u32'), weights: stream.empty([P]) };
  let [pairs, rows] = [0, 0];
  for (const part of parts) {
    const count = sizeOf(part.ids.shape);
    const args = {
      ...(part.weights && { given: part.weights }),
      ...spread,
      at: pairs,
      count,
      base: rows,
      share: part.share,
    };
    stream.dispatch(spreadPairs({ weighted: part.weights !== undefined }), args, Math.ceil(count / WORKGROUP));
    pairs += count;
    rows += part.source.shape[0];
  }
  return { ids, source, share: 1, ...spread };
}

/** Tensors one after the other: of vectors and lists of ids a vector, of matrices of as many columns a matrix. */
function join(stream: Stream, parts: readonly Tensor[]): Tensor {
  const size = parts.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const [{ shape, dtype }] = parts;
  const joined = stream.empty(dtype === 'f32' && shape.length === 2 ? [size / shape[1], shape[1]] : [size], dtype);
  let at = 0;
  for (const part of parts) {
    stream.copy(part, joined, at);
    at += sizeOf(part.shape);
  }
  return joined;
}

export function layoutOf(stream: Stream, { source, weights }: Pairs): Layout {
  return { D: source.shape[1], ...teamsOf(stream.gpu.capabilities), weighted: weights !== undefined };
}

/** What a kernel that sums rows binds besides the groups and its outputs. */
export interface Arranged {
  rows: Tensor;
  source: Tensor;
  partial: Tensor;
  weights?: Tensor;
  row_mask: number;
}

/**
 * Brings the pairs into the order of their keys and sums the blocks that lie within one item.
 * @param keys [P] (anything) << pairBits | pair, sorted by item; the caller releases what it gets, within a scope
 */
export function arrangePairs(stream: Stream, pairs: Pairs, keys: Tensor, pairBits: number): Arranged {
  const { ids, source, weights, share, rows: rowOf } = pairs;
  const P = sizeOf(ids.shape);
  const layout = layoutOf(stream, pairs);
  const mask = 2 ** pairBits - 1;
  const arranged = weights && { weights: stream.empty([P]) };
  let rows = keys;
  if (weights || rowOf || share > 1) {
    rows = stream.empty([P], 'u32');
    const program = arrange({ weighted: layout.weighted, listed: rowOf !== undefined });
    const args = {
      keys,
      rows,
      ...(weights && { weights, arranged: arranged!.weights }),
      ...(rowOf && { row_of: rowOf }),
    };
    stream.dispatch(program, { ...args, P, share, pair_bits: pairBits }, Math.ceil(P / (WORKGROUP * PAIRS)));
  }
  const blocks = Math.floor(P / BLOCK);
  const partial = stream.empty([Math.max(1, blocks), layout.D]);
  if (blocks > 0) {
    const args = { ids, keys, rows, source, partial, ...arranged, P, pair_mask: mask, row_mask: mask };
    stream.dispatch(blockSums(layout), args, teamWorkgroups(layout, blocks));
  }
  return { rows, source, partial, ...arranged, row_mask: mask };
}
