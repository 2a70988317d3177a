import { defineOp } from '../../op.js';
import { drawnCandidates } from '../sampler.js';
import { idsOf, OTHER_SAMPLERS, type SampledCase, samplerOf, sourceOf } from '../samplers/cases.js';
import { DRAWING } from '../samplers/index.js';
import { drawCandidates } from './index.js';

export const negativesOp = defineOp<SampledCase>()({
  name: 'negatives',
  formula: Object.values(DRAWING)
    .map(({ name, formula }) => `${name}: ${formula}`)
    .join('; '),
  cases: [
    { T: 1, k: 1, N: 1 },
    { T: 131, k: 3, N: 101 },
    { T: 7, k: 257, N: 1_000_003 },
    ...OTHER_SAMPLERS.flatMap((sampler) => [
      { T: 1, k: 1, N: 2, sampler },
      { T: 37, k: 67, N: 101, sampler },
    ]),
  ],
  benchShapes: [
    { T: 12800, k: 256, N: 3416 },
    ...OTHER_SAMPLERS.map((sampler) => ({ T: 12800, k: 256, N: 3416, sampler })),
  ],
  inputs: sourceOf,
  differentiable: [],
  run: ({ stream }, shape, { source }) => ({
    ids: drawCandidates(stream, drawnCandidates(samplerOf(shape), shape.k, shape.N, { source }), shape.T),
  }),
  reference: (shape, { source }) => ({ ids: idsOf(shape, source) }),
  cost: {
    forward: ({ T, k }) => ({ bytes: 4 * T * k, flops: 0 }),
  },
});
