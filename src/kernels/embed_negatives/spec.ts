import { tableOf } from '../../engine/table.js';
import { gatherReference } from '../gather/spec.js';
import { normals } from '../inputs.js';
import { CASE_RANDOM, defineOp } from '../op.js';
import { uniform } from '../score/samplers/uniform.js';
import { embedNegatives } from './index.js';

export const embedNegativesOp = defineOp<{ T: number; k: number; N: number; D: number }>()({
  name: 'embed_negatives',
  formula: 'y[t, j] = table[ids[t, j]], ids[t, j] uniform on 1 … N',
  cases: [
    { T: 1, k: 1, N: 1, D: 1 },
    { T: 13, k: 3, N: 29, D: 7 },
    { T: 5, k: 65, N: 11, D: 24 },
  ],
  benchShapes: [{ T: 800, k: 256, N: 3416, D: 128 }],
  inputs: ({ N, D }, random) => ({ table: normals(random, [N + 2, D]) }),
  differentiable: ['table'],
  run: (tape, { T, k, N }, { table }) => ({ y: embedNegatives(tape, tableOf(table), T, k, N) }),
  reference: ({ T, k, N, D }, { table }) => ({
    y: gatherReference(table, uniform.reference(CASE_RANDOM, { T, k, numItems: N }), D),
  }),
  cost: {
    forward: ({ T, k, D }) => ({ bytes: 4 * T * k * (2 * D + 2), flops: 0 }),
    backward: ({ T, k, N, D }) => ({ bytes: 4 * D * (T * k + N), flops: T * k * D }),
  },
});
