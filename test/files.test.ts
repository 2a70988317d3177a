import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { InputError } from '../src/base/errors.js';
import { readJson } from '../src/store/files.js';
import { scratchFolder } from './support/scratch.js';

const at = scratchFolder('each test');

describe('readJson', () => {
  it('names the file and the line', () => {
    const file = at('config.json');
    writeFileSync(file, '{\n  "lr": 0.1\n  "seed": 1\n}');
    expect(() => readJson(file)).toThrow(InputError);
    expect(() => readJson(file)).toThrow(/config\.json line 3: is not JSON/);
    expect(() => readJson(at('none.json'))).toThrow(/none\.json: cannot be read: no such file or directory/);
    writeFileSync(file, '{"lr": 0.1}');
    expect(readJson(file)).toEqual({ lr: 0.1 });
  });
});
