import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { InputError } from '../src/base/errors.js';
import { readFixture } from '../src/store/fixture.js';
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

  it.each<[string, object | undefined, string]>([
    ['no meta', undefined, 'its metadata has no meta, so it is no parity fixture'],
    [
      'a meta without sizes',
      { items: undefined },
      'meta: items is missing; it must be a number; name a parity fixture',
    ],
    ['a rate that is no number', { adam: { lr: 'low' } }, 'meta: adam.lr is "low"; it must be a number'],
    ['another epsilon', { layer_norm_eps: 1e-6 }, 'meta.layer_norm_eps is 0.000001; this model has 1e-5'],
    ['another optimizer', { adam: { lr: 0.001, betas: [0.9, 0.99], eps: 1e-8, weight_decay: 0 } }, 'meta.adam is {'],
  ])('refuses a file with %s', (_, change, message) => {
    const { tensors, metadata } = readSafetensors(`${folder}one_block_unpadded.safetensors`);
    const meta = change && JSON.stringify({ ...JSON.parse(metadata.meta), ...change });
    writeSafetensors(at('other.safetensors'), tensors, meta ? { meta } : {});
    const read = () => readFixture(at('other.safetensors'));
    expect(read).toThrow(InputError);
    expect(read).toThrow(`${at('other.safetensors')}: ${message}`);
  });

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
