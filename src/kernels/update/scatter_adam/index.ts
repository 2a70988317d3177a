import { GsasError } from '../../../base/errors.js';
import type { RowShare } from '../../../engine/gradient.js';
import type { Stream } from '../../../engine/stream.js';
import { checkShapes, sizeOf, type Tensor } from '../../../engine/tensor.js';
import { groupByItem, groupInBuckets } from '../../group/index.js';
import { arrangePairs, layoutOf, type Pairs, pairsOf } from '../../scatter_add/pairs.js';
import { type AdamOptions, adamUniforms } from '../adam/index.js';
import { denseAdam, lazyAdam } from './shader.js';

export interface ScatterAdamOptions extends AdamOptions {
  /** Rows that no share names stay as they are. */
  lazy: boolean;
}

/**
 * One step of Adam in place on a table whose gradient comes by rows: each row is summed and moved at once, and the gradient is never
 * written. To the bits of `scatterAdd` and `adam` where there is one share; several are summed as one.
 *
 * With `lazy` the rows that the shares name move as dense Adam would move them, all others keep their parameters and moments, in time that
 * does not grow with R. As torch.optim.SparseAdam and TensorFlow's LazyAdam. Dense Adam also moves a row whose gradient is zero, along its
 * decaying first moment. Lazy Adam leaves that out, and a row's moments then average over the steps that touched it: its step does not
 * fade between visits, and v does not forget a rare item's gradients before the next ones arrive. It is another optimizer, not an
 * approximation that vanishes: right for a catalogue of which a batch sees little, and not for numbers that are to equal the
 * official code's. Where every row is touched at every step, the two are the same bits.
 * @param shares their sum is the gradient; all but one of weight 1 with a source row for each pair
 * @param tensors param and the moments m and v (zeros before the first step), all [R, D]
 * @throws ShapeError when the shapes disagree; GsasError for shares that cannot be joined, or a step before the first
 */
export function scatterAdam(
  stream: Stream,
  shares: readonly RowShare[],
  { param, m, v }: Record<'param' | 'm' | 'v', Tensor>,
  { lazy, ...options }: ScatterAdamOptions,
): void {
  const tensors = { param: [param, 'R', 'D'], m: [m, 'R', 'D'], v: [v, 'R', 'D'] } as const;
  const adam = adamUniforms(options);
  stream.scope(() => {
    const pairs = join(stream, shares);
    const { R } = checkShapes('scatter_adam', { source: [pairs.source, 'Q', 'D'], ...tensors });
    const layout = layoutOf(stream, pairs);
    const state = { param, m, v, ...adam };
    if (lazy) {
      const { keys, starts, count, itemBits, pairBits } = groupInBuckets(stream, pairs.ids, R);
      const groups = { starts, buckets: count, item_bits: itemBits, pair_bits: pairBits };
      const args = { ...arrangePairs(stream, pairs, keys, pairBits), ...groups, ...state };
      stream.dispatch(lazyAdam(layout), args, Math.ceil(count / layout.teams));
    } else {
      const { order, starts } = groupByItem(stream, pairs.ids, R);
      const args = { ...arrangePairs(stream, pairs, order, 32), starts, R, ...state };
      stream.dispatch(denseAdam(layout), args, Math.ceil(R / layout.teams));
    }
  });
}

/** All pairs in one list: first those of the share with weights or with several pairs a source row, then the others'. */
function join(stream: Stream, shares: readonly RowShare[]): Pairs {
  const parts = shares.map(({ ids, source, weights }) => pairsOf('scatter_adam', ids, source, weights));
  const isPlain = (part: Pairs) => part.share === 1 && !part.weights;
  const [first, ...others] = parts.sort((a, b) => Number(isPlain(a)) - Number(isPlain(b)));
  if (!first || !others.every(isPlain)) {
    throw new GsasError(`scatter_adam: ${parts.length} shares, of which all but one must be plain sums of source rows`);
  }
  if (others.length === 0) return first;
  const D = first.source.shape[1];
  const count = (of: (part: Pairs) => Tensor) => parts.reduce((sum, part) => sum + sizeOf(of(part).shape), 0);
  const ids = stream.empty([count((part) => part.ids)], 'u32');
  const source = stream.empty([count((part) => part.source) / D, D]);
  let [pairsSoFar, cellsSoFar] = [0, 0];
  for (const part of parts) {
    stream.copy(part.ids, ids, pairsSoFar);
    stream.copy(part.source, source, cellsSoFar);
    pairsSoFar += sizeOf(part.ids.shape);
    cellsSoFar += sizeOf(part.source.shape);
  }
  return { ...first, ids, source };
}
