import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InputError } from '../src/base/errors.js';
import { saveWeights } from '../src/store/checkpoint.js';
import { Journal } from '../src/store/journal.js';
import { loadResumable, saveCheckpoint } from '../src/store/resumable.js';
import { createRun } from '../src/store/run-folder.js';
import { checkpointAt } from './support/checkpoint.js';
import { scratchFolder } from './support/scratch.js';

const at = scratchFolder('each test');

describe('createRun', () => {
  it('makes the folder, and again over what a run left that was killed before its first checkpoint', () => {
    const out = at('a', 'b');
    createRun(out).release();
    new Journal(join(out, 'metrics.jsonl'));
    expect(() => createRun(out).release()).not.toThrow();
  });

  it('refuses a folder with a run in it', () => {
    saveCheckpoint(at(), checkpointAt(100), false);
    expect(() => createRun(at())).toThrow(InputError);
    expect(() => createRun(at())).toThrow(
      /a run is there already \(last\.safetensors\); add --resume .* another --out/,
    );
  });

  it('refuses weights alone, and names a way on that is there', () => {
    saveWeights(at('best.safetensors'), checkpointAt(100));
    const message = /a run is there already \(best\.safetensors\), but no checkpoint to resume; .* --init-from/;
    expect(() => createRun(at())).toThrow(message);
    expect(() => loadResumable(at())).toThrow(/nothing to resume, .* from its best\.safetensors, with --init-from/);
  });

  it('refuses a file', () => {
    writeFileSync(at('file'), '');
    expect(() => createRun(at('file'))).toThrow(InputError);
    expect(() => createRun(at('file', 'run'))).toThrow(/this folder cannot be made: not a directory/);
  });
});
