import { afterAll, beforeAll } from 'vitest';
import type { Gpu } from '../../src/engine/gpu.js';
import { Stream } from '../../src/engine/stream.js';
import { openTestGpu } from './gpu.js';

/** A device for the tests of the importing file: opened before them, closed after them. */
export let gpu: Gpu;

/** A stream of that device. */
export let stream: Stream;

beforeAll(async () => {
  gpu = await openTestGpu();
  stream = new Stream(gpu);
});
afterAll(() => gpu.close());
