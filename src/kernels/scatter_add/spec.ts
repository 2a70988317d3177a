import { integers, normals } from '../inputs.js';
import { defineOp } from '../op.js';
import { scatterAdd } from './index.js';
import { scatterAddReference } from './reference.js';

/** Q rows, each for `share` pairs, on the first `used` of R items. */
interface Case {
  Q: number;
  share: number;
  D: number;
  R: number;
  used: number;
  weighted: boolean;
}

export const scatterAddOp = defineOp<Case>()({
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
    ...(weighted && { weights: normals(random, [Q, share]) }),
  }),
  differentiable: [],
  run: ({ stream }, { D, R }, { ids, x, weights }) => {
    const y = stream.empty([R, D]);
    scatterAdd(stream, ids, x, y, weights ? { weights } : {});
    return { y };
  },
  reference: ({ D, R, share }, { ids, x, weights }) => ({
    y: scatterAddReference(ids, weights, x, new Float64Array(R * D), D, share),
  }),
  cost: {
    forward: ({ Q, share, D, R }) => ({ bytes: 4 * (Q * share * (D + 2) + R * D), flops: 2 * Q * share * D }),
  },
});
