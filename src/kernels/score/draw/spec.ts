import { CASE_RANDOM, defineOp } from '../../op.js';
import { uniformCandidates, uniformIds } from '../samplers/uniform.js';
import { drawCandidates } from './index.js';

export const negativesOp = defineOp<{ T: number; k: number; N: number }>()({
  name: 'negatives',
  formula: 'ids[t, j] = 1 + floor(N u / 2^32), u word j mod 4 of Philox((floor(j / 4), t, 0, 1), (seed, step))',
  cases: [
    { T: 1, k: 1, N: 1 },
    { T: 131, k: 3, N: 101 },
    { T: 7, k: 257, N: 1_000_003 },
  ],
  benchShapes: [{ T: 12800, k: 256, N: 3416 }],
  inputs: () => ({}),
  differentiable: [],
  run: ({ stream }, { T, k, N }) => ({ ids: drawCandidates(stream, uniformCandidates(k, N), T) }),
  reference: ({ T, k, N }) => ({ ids: uniformIds(CASE_RANDOM, T, k, N) }),
  cost: {
    forward: ({ T, k }) => ({ bytes: 4 * T * k, flops: 0 }),
  },
});
