import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe } from 'vitest';
import { describeUntested } from './untested.js';

/**
 * Tests on MovieLens-1M as the official port splits it, whose licence keeps it out of this repository.
 * @param tests is given the dataset's folder
 */
export function describeMovieLens(name: string, tests: (folder: string) => void): void {
  const folder = join(process.env.GSAS_DATA || '.', 'ml1m');
  if (process.env.GSAS_DATA && existsSync(join(folder, 'ml-1m.txt'))) describe(name, () => tests(folder));
  else describeUntested(name, 'GSAS_DATA names no folder that holds ml1m/');
}
