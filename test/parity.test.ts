import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { checkParity } from '../src/store/parity.js';
import { readSafetensors, writeSafetensors } from '../src/store/safetensors.js';
import { gsas } from './support/command.js';
import { gpu } from './support/device.js';
import { cellsOf } from './support/output.js';
import { scratchFolder } from './support/scratch.js';

const folder = fileURLToPath(new URL('./fixtures/', import.meta.url));
const fixtures = readdirSync(folder).filter((name) => name.endsWith('.safetensors'));

describe('parity with the official code', () => {
  it.each(fixtures)('%s', async (fixture) => {
    const rows = await checkParity(gpu, folder + fixture);
    expect(rows.filter(({ ok }) => !ok)).toEqual([]);
    expect(rows.length).toBeGreaterThan(100);
  });
});

describe('parity', () => {
  const at = scratchFolder();

  it('exits 1 and says which comparison failed', async () => {
    const { tensors, metadata } = readSafetensors(`${folder}one_block_unpadded.safetensors`);
    const loss = tensors.get('out/loss')!;
    (loss.data as Float32Array)[0] *= 1.001;
    writeSafetensors(at('altered.safetensors'), tensors, metadata);
    const { status, stdout, stderr } = await gsas(at(), 'parity', 'altered.safetensors');
    expect(status).toBe(1);
    expect(stderr).toMatch(/^error: altered\.safetensors: 1 of \d+ comparisons are beyond their limit\n$/);
    const lines = cellsOf(stdout).map(([verdict, name]) => [verdict, name]);
    expect(lines.filter(([verdict]) => verdict !== 'ok')).toEqual([['FAIL', 'loss']]);
    expect(lines.length).toBeGreaterThan(50);
  });
});
