import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Gpu } from '../src/engine/gpu.js';
import { checkCase, isOff } from '../src/kernels/harness.js';
import { registry } from '../src/kernels/registry.js';
import { openTestGpu } from './support/gpu.js';

describe.each([{ subgroups: true }, { subgroups: false }])('kernels, subgroups $subgroups', (options) => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await openTestGpu({ ...options, poison: true });
  });
  afterAll(() => gpu.close());

  for (const op of registry) {
    describe(op.name, () => {
      it.each(op.cases.map((shape, i) => [JSON.stringify(shape), i] as const))('%s', async (_, number) => {
        const deviations = await checkCase(gpu, op, number);
        expect(deviations.length).toBeGreaterThan(0);
        expect(deviations.filter(isOff)).toEqual([]);
      });
    });
  }
});
