import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { InputError } from '../../src/base/errors.js';
import { FOLDER } from '../common/results.js';
import { DRAWINGS, drawFile } from '../report/drawings.js';

export function addReport(program: Command): void {
  program
    .command('report')
    .description('draws what is kept in bench/results as SVG files beside it')
    .argument('[files...]', 'files of results (default: all in bench/results)')
    .action(runReport);
}

async function runReport(files: string[]): Promise<void> {
  const names = files.length > 0 ? files : kept();
  if (names.length === 0) {
    throw new InputError(`${FOLDER} holds no results: keep some first, \`npm run bench -- step --save\``);
  }
  for (const file of names) {
    const paths = await drawFile(file);
    if (paths.length === 0) {
      throw new InputError(`${file}: holds nothing that is drawn, that is of ${Object.keys(DRAWINGS).join(', ')}`);
    }
    console.log(paths.join('\n'));
  }
}

/** All files of results that are kept. */
function kept(): string[] {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => join(FOLDER, name));
}
