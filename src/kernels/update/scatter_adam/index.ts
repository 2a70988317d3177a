import { GsasError } from '../../../base/errors.js';
import type { RowShare } from '../../../engine/gradient.js';
import type { Op } from '../../../engine/kernel.js';
import type { Stream } from '../../../engine/stream.js';
import { checkShapes, sizeOf, type Tensor } from '../../../engine/tensor.js';
import { groupByItem, groupInBuckets } from '../../group/index.js';
import { integers, normals } from '../../inputs.js';
import { arrangePairs, layoutOf, type Pairs, pairsOf } from '../../scatter_add/pairs.js';
import { scatterAddReference } from '../../scatter_add/reference.js';
import { type AdamOptions, adamUniforms } from '../adam/index.js';
import { adamReference } from '../adam/reference.js';
import { lazyAdamReference } from './reference.js';
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

const DEFAULTS = { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8 }; // PyTorch's

/** Q rows, each for `share` weighted pairs, and `plain` rows for a pair each, on `used` of R items. */
interface Case {
  Q: number;
  share: number;
  plain: number;
  D: number;
  R: number;
  used: number;
  step: number;
  lazy?: boolean;
}

export const scatterAdamOp: Op<Case> = {
  name: 'scatter_adam',
  formula: 'Adam, the gradient summed by rows on the way; lazy: only rows that pairs name (torch.optim.SparseAdam)',
  cases: [
    { Q: 1, share: 1, plain: 0, D: 1, R: 1, used: 1, step: 1, lazy: true },
    { Q: 1, share: 1, plain: 1, D: 3, R: 5003, used: 5003, step: 2, lazy: true },
    { Q: 37, share: 3, plain: 0, D: 24, R: 1009, used: 700, step: 5, lazy: true },
    { Q: 37, share: 3, plain: 13, D: 7, R: 11, used: 7, step: 3, lazy: true },
    { Q: 59, share: 257, plain: 701, D: 12, R: 20_011, used: 3, step: 7, lazy: true },
    { Q: 211, share: 9, plain: 0, D: 130, R: 40_009, used: 40_009, step: 100_000, lazy: true },
    { Q: 1, share: 1, plain: 0, D: 3, R: 7, used: 7, step: 1 },
    { Q: 37, share: 3, plain: 13, D: 24, R: 1009, used: 700, step: 5 },
    { Q: 59, share: 257, plain: 701, D: 12, R: 211, used: 3, step: 7 },
    { Q: 23, share: 9, plain: 0, D: 130, R: 67, used: 67, step: 100_000 },
  ],
  benchShapes: [
    { Q: 3700, share: 257, plain: 0, D: 32, R: 1_000_002, used: 1_000_001, step: 10, lazy: true },
    { Q: 3700, share: 257, plain: 3700, D: 64, R: 100_002, used: 100_001, step: 10, lazy: true },
    { Q: 980, share: 257, plain: 0, D: 64, R: 54_544, used: 54_543, step: 10 },
  ],
  inputs: ({ Q, share, plain, D, R, used, step }, random) => {
    const scale = step === 1 ? 0 : 0.1; // no moments before the first step
    const v = normals(random, [R, D], scale);
    v.data.forEach((value, i) => {
      v.data[i] = value * value;
    });
    return {
      ids: integers(random, [Q, share], R - used, R - 1),
      x: normals(random, [Q, D]),
      weights: normals(random, [Q, share]),
      ...(plain > 0 && { plainIds: integers(random, [plain], 0, used - 1), plainX: normals(random, [plain, D]) }),
      param: normals(random, [R, D]),
      m: normals(random, [R, D], scale),
      v,
    };
  },
  differentiable: [],
  run: ({ stream }, { step, lazy = false }, { ids, x, weights, plainIds, plainX, param, m, v }) => {
    const shares: RowShare[] = [{ ids: ids!, source: x!, weights: weights! }];
    if (plainIds) shares.unshift({ ids: plainIds, source: plainX! });
    scatterAdam(stream, shares, { param: param!, m: m!, v: v! }, { ...DEFAULTS, step, lazy });
    return { param: param!, m: m!, v: v! };
  },
  reference: ({ D, R, share, step, lazy }, inputs) => {
    const { ids, x, weights, plainIds, plainX } = inputs;
    const gradient = new Float64Array(R * D);
    scatterAddReference(ids as Uint32Array, weights, x as Float64Array, gradient, D, share);
    if (plainIds) scatterAddReference(plainIds as Uint32Array, undefined, plainX as Float64Array, gradient, D);
    const touched = new Set([...(ids as Uint32Array), ...((plainIds as Uint32Array) ?? [])]);
    const state = inputs as Record<'param' | 'm' | 'v', Float64Array>;
    const options = { ...DEFAULTS, step };
    if (!lazy) return { ...adamReference({ ...state, gradient }, options) };
    return { ...lazyAdamReference(state, gradient, touched, D, options) };
  },
  forward: ({ Q, share, plain, D, R, lazy }) => {
    const pairs = Q * share + plain;
    const touched = lazy ? R * (1 - (1 - 1 / R) ** pairs) : R; // of ids drawn uniformly
    return { bytes: 4 * (pairs * (D + 2) + 6 * D * touched), flops: 2 * pairs * D + 13 * D * touched };
  },
};
