import { tableOf } from '../../../engine/table.js';
import { integers, normals } from '../../inputs.js';
import { defineOp } from '../../op.js';
import { drawnCandidates } from '../sampler.js';
import { idsOf, type SampledCase, samplerOf, sourceOf } from '../samplers/cases.js';
import { uniformReject } from '../samplers/uniform-reject.js';
import { hardestCandidates } from './index.js';
import { hardestReference } from './reference.js';

/** The m hardest of k candidates. `real`: embeddings are normal numbers; else small integers, whose scores are exact and often equal. */
interface Case extends SampledCase {
  m: number;
  D: number;
  real?: boolean;
}

export const hardestOp = defineOp<Case>()({
  name: 'hardest',
  formula: 'the m of each token’s k candidates with the greatest h[t] . table[id] (Zhang et al. 2013, section 3)',
  cases: [
    { T: 1, k: 1, m: 1, N: 3, D: 1 },
    { T: 13, k: 5, m: 5, N: 31, D: 7 },
    { T: 37, k: 67, m: 16, N: 101, D: 6 },
    { T: 5, k: 257, m: 1, N: 1009, D: 130, real: true },
    { T: 7, k: 130, m: 33, N: 367, D: 24, real: true, sampler: uniformReject.name },
  ],
  benchShapes: [{ T: 3200, k: 256, m: 16, N: 3416, D: 128 }],
  inputs: (shape, random) => {
    const { T, N, D, real } = shape;
    const whole = (rows: number) => {
      const { shape, data } = integers(random, [rows, D], 0, 6);
      return { shape, data: Float32Array.from(data, (value) => value - 3) };
    };
    const draw = (rows: number) => (real ? normals(random, [rows, D]) : whole(rows));
    return { h: draw(T), table: draw(N + 2), ...sourceOf(shape) };
  },
  differentiable: [],
  run: ({ stream }, shape, { h, table, source }) => {
    const candidates = drawnCandidates(samplerOf(shape), shape.k, shape.N, { source });
    return { ids: hardestCandidates(stream, h, tableOf(table), candidates, shape.m) };
  },
  reference: (shape, { h, table, source }) => ({ ids: hardestReference({ h, table }, idsOf(shape, source), shape) }),
  cost: {
    forward: ({ T, k, m, D }) => ({ bytes: 4 * (T * k * (D + 2) + T * (D + m)), flops: 2 * T * k * D }),
  },
});
