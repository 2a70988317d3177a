import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';

/**
 * A temporary folder for the tests of the calling file or `describe`, or a new one for each of these tests.
 * @returns the path of something in it; without arguments, its own. To be called from hooks and tests only.
 */
export function scratchFolder(life: 'all tests' | 'each test' = 'all tests'): (...path: string[]) => string {
  const [before, after] = life === 'all tests' ? [beforeAll, afterAll] : [beforeEach, afterEach];
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'gsas-'));
  });
  after(() => rmSync(folder, { recursive: true }));
  return (...path) => join(folder, ...path);
}
