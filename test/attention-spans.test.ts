import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Gpu } from '../src/engine/gpu.js';
import { Stream } from '../src/engine/stream.js';
import { Tape } from '../src/engine/tape.js';
import { attention } from '../src/kernels/attention/index.js';
import { openTestGpu } from './support/gpu.js';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openTestGpu();
});
afterAll(() => gpu.close());

it.each([
  ['no sequence has a token', 0],
  ['sequences have more tokens than there are', 2 ** 32 - 1],
])('ends where spans say that %s, which could keep a GPU in a loop for ever', async (_, end) => {
  const stream = new Stream(gpu);
  const [T, D] = [70, 8];
  const input = () => stream.upload(new Float32Array(T * D), [T, D]);
  const spans = stream.upload(new Uint32Array(2 * T).fill(end), [T, 2]);
  for (const last of [false, true]) {
    const y = attention(new Tape(stream), input(), input(), input(), spans, { heads: 2, last });
    expect(await stream.read(y)).toHaveLength(T * D);
  }
});
