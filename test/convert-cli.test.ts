import { existsSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Sequences } from '../src/data/dataset.js';
import { loadCheckpoint } from '../src/store/checkpoint.js';
import { writeDataset } from '../src/store/layout.js';
import { gsas } from './support/command.js';
import { expectMistake } from './support/output.js';
import { scratchFolder } from './support/scratch.js';

const at = scratchFolder();
const run = (...args: string[]) => gsas(at(), ...args);

describe('gsas-wgpu convert', () => {
  const pt = (name: string) => resolve('test/fixtures/torch', name);

  it('says which number of heads it assumes, and what the official configuration is', async () => {
    const { status, stdout, stderr } = await run('convert', pt('h1.pt'), 'said.safetensors');
    expect(status).toBe(0);
    expect(stderr).toMatch(/^num_heads is taken to be 1: .*h1\.pt does not tell; --heads says otherwise\n$/);
    expect(stdout).toContain(
      'sequence_length=12, embedding_dim=16, num_heads=1, num_blocks=2, reuse_item_embeddings=False',
    );
  });

  it('takes heads and options of training by flags and from a file', async () => {
    writeFileSync(at('two.yaml'), 'num_heads: 2\ngbce_t: 1\n');
    const flags = ['--config', 'two.yaml', '--negs-per-pos', '31'];
    const { status, stderr } = await run('convert', pt('reuse_t1.pt'), 'told.safetensors', ...flags);
    expect([status, stderr]).toEqual([0, '']);
    expect(loadCheckpoint(at('told.safetensors')).config).toMatchObject({ num_heads: 2, gbce_t: 1, negs_per_pos: 31 });
    const again = await run('convert', pt('reuse_t1.pt'), 'heads.safetensors', '--heads', '2');
    expect([again.status, again.stderr]).toEqual([0, '']);
    expect(loadCheckpoint(at('heads.safetensors')).config.num_heads).toBe(2);
  });

  it.each([
    [
      ['h1.pt', 'x.pt', '--heads', '3'],
      /^error: .*h1\.pt: embedding_dim is 16; it must be a multiple of num_heads.* 3\n$/,
    ],
    [['h1.pt', 'x.tflite'], /^error: x\.tflite: ends with \.tflite; known are .*\n$/],
    [['none.pt', 'x.pt'], /^error: .*none\.pt: cannot be read: no such file or directory\n$/],
    [['module.pt', 'x.pt'], /^error: .*names "torch\.nn\.modules\.normalization\.LayerNorm".*\n$/],
  ])('exits 2 with one line: %j', async ([input, ...rest], message) => {
    const { status, stderr } = await run('convert', pt(input!), ...rest);
    expect(stderr).toMatch(message);
    expect(status).toBe(2);
    expect(existsSync(at('x.pt'))).toBe(false);
  });

  it('makes a run of an official checkpoint, which evaluate and recommend take like their own', async () => {
    const inputs = Sequences.from([[1, 2, 3], [60], [4, 61, 9, 2]]);
    const split = { inputs, targets: Uint32Array.of(7, 8, 61) };
    writeDataset(at('data'), { name: 'three users', numItems: 61, train: inputs, val: split, test: split });
    const flags = ['--heads', '2', '--data', 'data'];
    expect((await run('convert', pt('reuse_t1.pt'), 'imported', ...flags)).status).toBe(0);
    const evaluated = await run('evaluate', 'imported', '--json');
    expect([evaluated.status, evaluated.stderr]).toEqual([0, '']);
    expect(evaluated.stdout).toMatch(/"ndcg@10":/);
    const recommended = await run('recommend', 'imported', '--history', '1 2 3', '--top', '5', '--json');
    expect(recommended.stdout.trim().split('\n')).toHaveLength(5);
    const onto = await run('convert', 'imported', 'imported');
    expectMistake(
      onto,
      'imported: a run is there already (best.safetensors); name another folder, or a file ending with',
    );
    const other = await run('convert', pt('h1.pt'), 'mismatched', '--data', 'data');
    expect(other.stderr).toMatch(/data: has 61 items, but the checkpoint knows 57; name its own data\n$/);
    expect(existsSync(at('mismatched'))).toBe(false);
  });
});
