import type { RowShare } from '../../engine/gradient.js';
import type { Op } from '../../engine/kernel.js';
import type { Stream } from '../../engine/stream.js';
import type { Tape } from '../../engine/tape.js';
import { checkShapes, type Tensor } from '../../engine/tensor.js';
import { groupByItem } from '../group/index.js';
import { integers, normals } from '../inputs.js';
import { arrangePairs, layoutOf, pairsOf } from './pairs.js';
import { scatterAddReference } from './reference.js';
import { rowSums } from './shader.js';

export interface ScatterAddOptions {
  /** Add to `into` instead of overwriting it; rows without pairs are then left as they are, else set to 0. */
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
  const pairs = pairsOf('scatter_add', ids, source, weights);
  const { R } = checkShapes('scatter_add', { source: [source, 'Q', 'D'], into: [into, 'R', 'D'] });
  stream.scope(() => {
    const { order, starts } = groupByItem(stream, ids, R);
    const args = { ...arrangePairs(stream, pairs, order, 32), starts, into, R };
    const layout = layoutOf(stream, pairs);
    stream.dispatch(rowSums({ ...layout, add }), args, Math.ceil(R / layout.teams));
  });
}

/**
 * Hands the gradient of a gather from `table` to the tape: dtable[r] (+)= sum over pairs p with ids[p] = r of weights[p] source[p / share]. */
export function contributeScatter(tape: Tape, table: Tensor, rows: RowShare): void {
  const { ids, source, weights } = rows;
  tape.contributeRows(table, rows, (into, add) =>
    scatterAdd(tape.stream, ids, source, into, { add, ...(weights && { weights }) }),
  );
}

/** Q rows, each for `share` pairs, on the first `used` of R items. */
interface Case {
  Q: number;
  share: number;
  D: number;
  R: number;
  used: number;
  weighted: boolean;
}

export const scatterAddOp: Op<Case> = {
  name: 'scatter_add',
  formula: 'y[r] = sum over pairs p with ids[p] = r of weights[p] x[p / share]',
  cases: [
    { Q: 1, share: 1, D: 1, R: 1, used: 1, weighted: false },
    { Q: 37, share: 3, D: 24, R: 11, used: 7, weighted: true },
    { Q: 1021, share: 1, D: 130, R: 5, used: 2, weighted: false },
    { Q: 59, share: 257, D: 7, R: 67, used: 1, weighted: true },
    { Q: 401, share: 5, D: 64, R: 1009, used: 1009, weighted: true },
  ],
  benchShapes: [
    { Q: 3200, share: 257, D: 128, R: 3418, used: 3417, weighted: true },
    { Q: 2900, share: 33, D: 64, R: 3418, used: 3417, weighted: true },
    { Q: 12800, share: 1, D: 128, R: 3418, used: 3417, weighted: false },
  ],
  inputs: ({ Q, share, D, used, weighted }, random) => ({
    ids: integers(random, [Q, share], 0, used - 1),
    x: normals(random, [Q, D]),
    ...(weighted ? { weights: normals(random, [Q, share]) } : {}),
  }),
  differentiable: [],
  run: ({ stream }, { D, R }, { ids, x, weights }) => {
    const y = stream.empty([R, D]);
    scatterAdd(stream, ids!, x!, y, weights ? { weights } : {});
    return { y };
  },
  reference: ({ D, R, share }, { ids, x, weights }) => ({
    y: scatterAddReference(ids as Uint32Array, weights, x as Float64Array, new Float64Array(R * D), D, share),
  }),
  forward: ({ Q, share, D, R }) => ({ bytes: 4 * (Q * share * (D + 2) + R * D), flops: 2 * Q * share * D }),
};
