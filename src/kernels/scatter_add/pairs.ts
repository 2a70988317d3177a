import { ShapeError } from '../../base/errors.js';
import type { Stream } from '../../engine/stream.js';
import { checkShapes, sizeOf, type Tensor } from '../../engine/tensor.js';
import { PAIRS } from '../group/shader.js';
import { teamOf } from '../team.js';
import { arrange, BLOCK, blockSums, type Layout, WORKGROUP } from './shader.js';

/** Pairs of an item and a row: pair p gives item ids[p] weights[p] times its row of `source`. */
export interface Pairs {
  /** [P] u32 */
  ids: Tensor;
  /** [Q, D] */
  source: Tensor;
  /** [split]; the weight is 1 beyond, and where it is left out */
  weights?: Tensor;
  /** The first `split` pairs belong to the rows of `source` in turn, `share` to each; every later pair has a row of its own. */
  split: number;
  share: number;
}

/** Pairs as they come: P of them, each row of `source` [Q, D] for P / Q. @throws ShapeError when an axis disagrees */
export function pairsOf(op: string, ids: Tensor, source: Tensor, weights?: Tensor): Pairs {
  const { Q } = checkShapes(op, { source: [source, 'Q', 'D'] });
  const P = sizeOf(ids.shape);
  if (weights && sizeOf(weights.shape) !== P)
    throw new ShapeError(`${op}: ${sizeOf(weights.shape)} weights [${weights.shape}] for ${P} ids [${ids.shape}]`);
  if (P % Q !== 0) throw new ShapeError(`${op}: ${P} ids [${ids.shape}] do not divide among the ${Q} rows of source`);
  return { ids, source, ...(weights && { weights }), split: P, share: P / Q };
}

export function layoutOf(stream: Stream, { source, weights }: Pairs): Layout {
  const { lanes } = teamOf(stream.gpu.capabilities);
  return { D: source.shape[1], lanes, teams: Math.max(1, WORKGROUP / lanes), weighted: weights !== undefined };
}

/** What a kernel that sums rows binds besides the groups: all but `into`'s share of its arguments. */
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
  const { ids, source, weights, share, split } = pairs;
  const P = sizeOf(ids.shape);
  const layout = layoutOf(stream, pairs);
  const mask = 2 ** pairBits - 1;
  const arranged = weights && { weights: stream.empty([P]) };
  let rows = keys;
  if (weights || share > 1) {
    rows = stream.empty([P], 'u32');
    const args = { keys, rows, ...(weights && { weights, arranged: arranged!.weights }) };
    const program = arrange({ weighted: layout.weighted });
    stream.dispatch(program, { ...args, P, split, share, pair_bits: pairBits }, Math.ceil(P / (WORKGROUP * PAIRS)));
  }
  const blocks = Math.floor(P / BLOCK);
  const partial = stream.empty([Math.max(1, blocks), layout.D]);
  if (blocks > 0) {
    const args = { ids, keys, rows, source, partial, ...arranged, P, pair_mask: mask, row_mask: mask };
    stream.dispatch(blockSums(layout), args, Math.ceil(blocks / layout.teams));
  }
  return { rows, source, partial, ...arranged, row_mask: mask };
}
