import type { RowShare } from '../../engine/gradient.js';
import type { Stream } from '../../engine/stream.js';
import type { Tape } from '../../engine/tape.js';
import { checkShapes, type Tensor } from '../../engine/tensor.js';
import { groupByItem } from '../group/index.js';
import { teamWorkgroups } from '../team.js';
import { arrangePairs, joinShares, layoutOf, type Pairs, pairsOf } from './pairs.js';
import { rowSums } from './shader.js';

export interface ScatterAddOptions {
  /** Add to `into` instead of overwriting it. Rows without pairs then stay as they are; otherwise they become 0. */
  add?: boolean;
  /** A factor for each pair, of the shape of `ids`. */
  weights?: Tensor;
}

/**
 * Sums rows by item, the gradient of a gather: into[r] (+)= sum over pairs p with ids[p] = r of weights[p] source[p / share], where
 * each row of `source` belongs to `share` = P / Q consecutive pairs. Deterministic: pairs are grouped by item and one team sums each
 * row in ascending order, with no float atomics.
 * @param ids u32 of any shape, P in all, each below R (not checked)
 * @param source [Q, D], P a multiple of Q
 * @param into [R, D]
 * @throws ShapeError when an axis disagrees
 */
export function scatterAdd(
  stream: Stream,
  ids: Tensor,
  source: Tensor,
  into: Tensor,
  { add = false, weights }: ScatterAddOptions = {},
): void {
  sumPairs(stream, pairsOf('scatter_add', ids, source, weights), into, add);
}

/** Sums shares by row, all as one: into[r] = the sum over every share's pairs. @throws ShapeError when an axis disagrees */
export function sumShares(stream: Stream, shares: readonly RowShare[], into: Tensor): void {
  stream.scope(() => sumPairs(stream, joinShares(stream, 'scatter_add', shares), into, false));
}

function sumPairs(stream: Stream, pairs: Pairs, into: Tensor, add: boolean): void {
  const { R } = checkShapes('scatter_add', { source: [pairs.source, 'Q', 'D'], into: [into, 'R', 'D'] });
  stream.scope(() => {
    const { order, starts } = groupByItem(stream, pairs.ids, R);
    const args = { ...arrangePairs(stream, pairs, order, 32), starts, into, R };
    const layout = layoutOf(stream, pairs);
    stream.dispatch(rowSums({ ...layout, add }), args, teamWorkgroups(layout, R));
  });
}

/** Adds shares to a dense gradient, one after the other. @throws ShapeError when an axis disagrees */
export function addShares(stream: Stream, shares: readonly RowShare[], into: Tensor): void {
  for (const { ids, source, ...weights } of shares) scatterAdd(stream, ids, source, into, { add: true, ...weights });
}

/** Hands the gradient of a gather from `table` to the tape: dtable[r] (+)= sum over pairs p with ids[p] = r of weights[p] source[p / share]. */
export function contributeScatter(tape: Tape, table: Tensor, share: RowShare): void {
  const { ids, source, ...weights } = share;
  tape.contributeRows(table, share, (into, add) => scatterAdd(tape.stream, ids, source, into, { add, ...weights }));
}
