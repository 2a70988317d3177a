import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, it } from 'vitest';
import { foreignEntries, replaceDataset } from '../src/ingest/replace.js';
import { scratchFolder } from './support/scratch.js';

const at = scratchFolder('each test');

const NAMES = ['dataset_stats.json', 'import.json', 'items.csv', 'train/input.txt', 'val/output.txt'];

function write(folder: string, ...names: readonly string[]): void {
  for (const name of names) {
    mkdirSync(dirname(at(folder, name)), { recursive: true });
    writeFileSync(at(folder, name), folder);
  }
}

const files = (folder: string) =>
  readdirSync(at(folder), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length;

it.each([[[]], [['mine.txt', 'train/mine.txt']]])(
  'goes back to what was there when a step fails, beside %j',
  (foreign) => {
    write('target', ...NAMES, ...foreign);
    write('new', ...NAMES);
    // Both are renamed late: one completes the exchange of folders, the other that of files.
    rmSync(at(foreign.length > 0 ? 'new/dataset_stats.json' : 'new'), { recursive: true });
    expect(() => replaceDataset(at('new'), at('target'), at('old'))).toThrow('ENOENT');
    for (const name of [...NAMES, ...foreign]) expect(readFileSync(at('target', name), 'utf8')).toBe('target');
    expect(foreignEntries(at('target'))).toEqual(foreign);
  },
);

it('drops what only the old import wrote', () => {
  write('target', ...NAMES, 'users.csv', 'mine.txt');
  write('new', ...NAMES);
  replaceDataset(at('new'), at('target'), at('old'));
  for (const name of NAMES) expect(readFileSync(at('target', name), 'utf8')).toBe('new');
  expect(files('target')).toBe(NAMES.length + 1);
});
