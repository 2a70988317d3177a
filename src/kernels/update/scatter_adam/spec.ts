import type { RowShare } from '../../../engine/gradient.js';
import { integers, normals, squares } from '../../inputs.js';
import { defineOp } from '../../op.js';
import { scatterAddReference } from '../../scatter_add/reference.js';
import { adamReference } from '../adam/reference.js';
import { ADAM_DEFAULTS } from '../adam/spec.js';
import { scatterAdam } from './index.js';
import { lazyAdamReference } from './reference.js';

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

export const scatterAdamOp = defineOp<Case>()({
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
    const v = squares(random, [R, D], scale);
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
    const shares: RowShare[] = [{ ids, source: x, weights }];
    if (plainIds && plainX) shares.unshift({ ids: plainIds, source: plainX });
    scatterAdam(stream, shares, { param, m, v }, { ...ADAM_DEFAULTS, step, lazy });
    return { param, m, v };
  },
  reference: ({ D, R, share, step, lazy }, { ids, x, weights, plainIds, plainX, ...state }) => {
    const gradient = new Float64Array(R * D);
    scatterAddReference(ids, weights, x, gradient, D, share);
    if (plainIds && plainX) scatterAddReference(plainIds, undefined, plainX, gradient, D);
    const touched = new Set([...ids, ...(plainIds ?? [])]);
    const options = { ...ADAM_DEFAULTS, step };
    if (!lazy) return adamReference({ ...state, gradient }, options);
    return lazyAdamReference(state, gradient, touched, D, options);
  },
  cost: {
    forward: ({ Q, share, plain, D, R, lazy }) => {
      const pairs = Q * share + plain;
      const touched = lazy ? R * (1 - (1 - 1 / R) ** pairs) : R; // of ids drawn uniformly
      return { bytes: 4 * (pairs * (D + 2) + 6 * D * touched), flops: 2 * pairs * D + 13 * D * touched };
    },
  },
});
