import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { InputError } from '../src/base/errors.js';
import { readConfigFile } from '../src/store/config-file.js';

const folder = mkdtempSync(join(tmpdir(), 'gsas-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

const file = join(folder, 'run.yaml');
const read = (text: string) => {
  writeFileSync(file, text);
  return readConfigFile(file);
};

describe('readConfigFile', () => {
  it('reads YAML, with paths that count from the file', () => {
    const text =
      '# first try\npreset: quick\ndata: ../ml1m\nout: /runs/a\nlr: 3e-3\nmax_steps: none\ninit_prior: true\n';
    expect(read(text)).toEqual({
      preset: 'quick',
      data: join(folder, '../ml1m'),
      out: '/runs/a',
      options: { lr: 0.003, max_steps: null, init_prior: true },
    });
  });

  it('reads JSON, such as the config.json of a run', () => {
    expect(read('{"val_metric": "recall@10",\n "max_minutes": null}')).toEqual({
      options: { val_metric: 'recall@10', max_minutes: null },
    });
  });

  it.each([
    ['lr: 1\nnegs_per_poss: 32', 'line 2: unknown key "negs_per_poss"; did you mean negs_per_pos?'],
    ['lr: fast', 'line 1: lr is "fast"; it must be a number, above 0'],
    ['lr: none', 'line 1: lr is null; it must be a number, above 0'],
    ['\nnum_blocks: 1.5', 'line 2: num_blocks is 1.5; it must be an integer, at least 1'],
    ['lr: {a: 1}', 'line 1: lr is {"a":1}; it must be a number, above 0'],
    ['preset: quik', 'line 1: unknown preset "quik"; did you mean quick?'],
    [
      'preset: 3',
      'line 1: preset is 3; it must be one of gsasrec-ml1m, sasrec-ml1m, sasrec-plus, sasrec-plus-3000, quick, synthetic',
    ],
    ['data:', 'line 1: data is null; it must be a folder'],
    ['lr: 1\nlr: 2', 'line 2: is not YAML: Map keys must be unique'],
    ['lr: [1', 'line 1: is not YAML: '],
  ])('refuses %j', (text, message) => {
    expect(() => read(text)).toThrow(InputError);
    expect(() => read(text)).toThrow(`${file} ${message}`);
  });

  it.each(['', '- 1', 'true'])('refuses %j, which has no keys', (text) => {
    expect(() => read(text)).toThrow(`${file}: holds no keys and values, such as lr: 0.001`);
  });

  it('names a file that is not there', () => {
    expect(() => readConfigFile(join(folder, 'none.yaml'))).toThrow('none.yaml: cannot be read: no such file');
  });
});
