import { tableOf } from '../../../engine/table.js';
import { integers } from '../../inputs.js';
import { defineOp } from '../../op.js';
import { type CatalogueCase, catalogueInputs } from '../cases.js';
import { beginRanks } from '../rank/index.js';
import { rankReference } from '../rank/reference.js';
import { topK } from './index.js';
import { topKReference } from './reference.js';

interface Case extends CatalogueCase {
  k: number;
  held?: number;
  ranked?: boolean;
}

export const topKOp = defineOp<Case>()({
  name: 'top_k',
  formula: 'the k items of greatest <h, table_i>, not excluded, by (score descending, id ascending)',
  cases: [
    { B: 1, N: 1, D: 1, share: 0, k: 1 },
    { B: 3, N: 31, D: 7, share: 0.9, k: 31 },
    { B: 5, N: 1500, D: 12, share: 0.3, k: 10, held: 5 * 256 },
    { B: 17, N: 1031, D: 20, share: 0.1, k: 257, real: true },
    { B: 2, N: 2500, D: 3, share: 0, k: 512, real: true, held: 2 * 1024 },
    { B: 19, N: 1031, D: 20, share: 0.3, k: 5, held: 19 * 512, ranked: true },
    { B: 5, N: 255, D: 8, share: 0.3, k: 20, spare: 0, ranked: true },
    { B: 5, N: 255, D: 8, share: 0.3, k: 20, spare: 70, ranked: true },
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
  run: ({ stream }, { N, k, held }, { h, table, targets, excluded }) => {
    const begun = targets && beginRanks(stream, h, tableOf(table), targets, excluded, N);
    const best = topK(stream, h, tableOf(table), excluded, N, k, {
      ...(held && { held }),
      ...(begun && { ranked: begun }),
    });
    return { ...best, ...(begun && { rank: begun.ranks }) };
  },
  reference: ({ N, D, k }, { h, table, targets, excluded }) => ({
    ...topKReference(h, table, excluded, { N, D, k }),
    ...(targets && { rank: rankReference(h, table, targets, excluded, N) }),
  }),
  cost: {
    forward: ({ B, N, D }) => ({ bytes: 4 * (N * D + B * D + (B * N) / 32), flops: 2 * B * N * D }),
  },
});
