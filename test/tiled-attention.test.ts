import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HostRandom } from '../src/base/philox.js';
import type { Gpu } from '../src/engine/gpu.js';
import { Stream } from '../src/engine/stream.js';
import { attentionOp } from '../src/kernels/attention/spec.js';
import { compare, isOff, OpRun } from '../src/kernels/harness.js';
import { openTestGpu } from './support/gpu.js';

/** Software drivers take most of a minute to compile one of these, so `npm test` takes the first three and `npm run long` all. */
const ALL = process.env.GSAS_TILED === 'all';

const SHAPES = [
  { lengths: [3, 1, 7], D: 15, heads: 3, dropout: 0.5, residual: true },
  { lengths: [70, 3, 33], D: 32, heads: 8, dropout: 0.5 },
  { lengths: [1, 65, 40], D: 16, heads: 1 },
  ...attentionOp.cases,
  { lengths: [70, 3, 33], D: 32, heads: 1 },
  { lengths: [1, 65, 40], D: 64, heads: 1, dropout: 0.3, residual: true },
  { lengths: [2, 97], D: 128, heads: 1, dropout: 0.5, residual: true },
  { lengths: [33, 35], D: 128, heads: 2, dropout: 0.5 },
  { lengths: [17, 50, 1], D: 256, heads: 1, dropout: 0.5 },
  { lengths: [40, 20], D: 256, heads: 8, residual: true },
  { lengths: [50, 7], D: 50, heads: 1, dropout: 0.2 },
  { lengths: [35, 18], D: 255, heads: 1, dropout: 0.2 },
  { lengths: [35, 18], D: 130, heads: 1 },
];

/** Attention as adapters that compute on no CPU run it, forced on the adapter at hand. */
describe('attention in tiles agrees with float64, gradients included', () => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await openTestGpu({ software: false });
  });
  afterAll(() => gpu.close());

  it.each((ALL ? SHAPES : SHAPES.slice(0, 3)).map((shape) => [JSON.stringify(shape), shape] as const))(
    '%s',
    async (_, shape) => {
      const run = new OpRun(new Stream(gpu), attentionOp, shape, new HostRandom(3));
      const deviations = await compare(run, 'direction');
      expect(deviations.length).toBeGreaterThan(0);
      expect(deviations.filter(isOff)).toEqual([]);
      run.release();
    },
  );
});
