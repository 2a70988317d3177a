import type { Command } from 'commander';
import { InputError } from '../../src/base/errors.js';
import { FOLDER, keptResults, readResults } from '../common/results.js';
import { DRAWINGS, drawFile } from '../report/drawings.js';
import { writePages } from '../report/pages.js';

export function addReport(program: Command): void {
  program
    .command('report')
    .description(
      'draw what is kept in bench/results as SVG files in docs/performance, and bring the generated parts of the guides up to date',
    )
    .argument('[files...]', 'files of results (default: all in bench/results)')
    .action(runReport);
}

async function runReport(files: string[]): Promise<void> {
  const names = files.length > 0 ? files : keptResults();
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
  for (const page of writePages(keptResults().map(readResults))) console.log(page);
}
