import { tableOf } from '../../../engine/table.js';
import { integers } from '../../inputs.js';
import { defineOp } from '../../op.js';
import { type CatalogueCase, catalogueInputs } from '../cases.js';
import { rank } from './index.js';
import { rankReference } from './reference.js';

export const rankOp = defineOp<CatalogueCase>()({
  name: 'rank',
  formula: 'rank = 1 + #{i not excluded : <h, table_i> > <h, table_target>} (Krichene, Rendle 2020, section 2)',
  cases: [
    { B: 1, N: 1, D: 1, share: 0 },
    { B: 3, N: 31, D: 7, share: 0.2 },
    { B: 17, N: 1023, D: 12, share: 0.5 },
    { B: 33, N: 1031, D: 20, share: 0.1, real: true },
    { B: 5, N: 255, D: 8, share: 0.3, spare: 0 },
    { B: 5, N: 255, D: 8, share: 0.3, spare: 70 },
  ],
  benchShapes: [
    { B: 512, N: 3416, D: 128, share: 0.05 },
    { B: 128, N: 54_542, D: 64, share: 0 },
  ],
  inputs: (shape, random) => ({
    ...catalogueInputs(shape, random),
    targets: integers(random, [shape.B], 1, shape.N),
  }),
  differentiable: [],
  run: ({ stream }, { N }, { h, table, targets, excluded }) => ({
    rank: rank(stream, h, tableOf(table), targets, excluded, N),
  }),
  reference: ({ N }, { h, table, targets, excluded }) => ({
    rank: rankReference(h, table, targets, excluded, N),
  }),
  cost: {
    forward: ({ B, N, D }) => ({ bytes: 4 * (N * D + B * D + (B * N) / 32), flops: 2 * B * N * D }),
  },
});
