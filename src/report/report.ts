import { join } from 'node:path';
import { InputError } from '../base/errors.js';
import { writeWhole } from '../store/files.js';
import { renderDocument, renderMain } from './page.js';
import { distinguish, type RunRecord, readRun } from './run.js';

/**
 * Writes the report of a run, or one that compares several, from the files in their folders: a page that opens offline.
 * @param out the file, by default report.html in the run's folder or, of several, comparison.html in the working folder
 * @returns the file
 * @throws InputError for a folder without a run, for damaged files, and if none of the runs has validated
 */
export async function writeReport(runs: readonly string[], out?: string): Promise<string> {
  const records = distinguish(runs.map(readRun));
  if (records.every(({ validations }) => validations.length === 0)) throw new InputError(whyBlank(records[0]));
  const title = records.map(({ name }) => name).join(', ');
  const file = out ?? (runs.length === 1 ? join(runs[0], 'report.html') : 'comparison.html');
  writeWhole(file, [Buffer.from(renderDocument(title, await renderMain(records)))]);
  return file;
}

function whyBlank({ folder, state: { state, why } }: RunRecord): string {
  if (state === 'running')
    return `${folder}: nothing has been validated yet, the first validation follows the first epoch; \`gsas-wgpu watch\` shows it until then`;
  return `${folder}: nothing was validated before the run ended (${why}), so there is nothing to report; \`gsas-wgpu watch\` shows what it measured`;
}
