import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Gpu } from '../src/engine/gpu.js';
import { checkParity } from '../src/train/parity.js';
import { openTestGpu } from './support/gpu.js';

const folder = fileURLToPath(new URL('./fixtures/', import.meta.url));
const fixtures = readdirSync(folder).filter((name) => name.endsWith('.safetensors'));

describe('parity with the official code', () => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await openTestGpu();
  });
  afterAll(() => gpu.close());

  it.each(fixtures)('%s', async (fixture) => {
    const rows = await checkParity(gpu, folder + fixture);
    expect(rows.filter(({ ok }) => !ok)).toEqual([]);
    expect(rows.length).toBeGreaterThan(100);
  });
});
