import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { makeFolders } from '../src/store/make-folders.js';

const folder = mkdtempSync(join(tmpdir(), 'gsas-folders-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('makes what is missing and tells the topmost', () => {
  expect(makeFolders(join(folder, 'a/b/c'))).toBe(join(folder, 'a'));
  expect(makeFolders(join(folder, 'a/b/d'))).toBe(join(folder, 'a/b/d'));
  expect(makeFolders(join(folder, 'a/b'))).toBeUndefined();
  expect(readdirSync(join(folder, 'a/b'))).toEqual(['c', 'd']);
});

it('refuses a file in its way and leaves nothing behind', () => {
  writeFileSync(join(folder, 'file'), '');
  expect(() => makeFolders(join(folder, 'file'))).toThrow(/EEXIST/);
  expect(() => makeFolders(join(folder, 'file/below/it'))).toThrow(/ENOTDIR|ENOENT|EEXIST/);
  expect(() => makeFolders(join(folder, 'new/\0'))).toThrow();
  expect(existsSync(join(folder, 'new'))).toBe(false);
});

it.runIf(process.platform === 'linux')('ends where a parent takes no folders', () => {
  expect(() => makeFolders('/proc/gsas/x')).toThrow(/ENOENT|EACCES|EPERM/);
});
