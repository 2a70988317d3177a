import type { Command } from 'commander';
import { writeReport } from '../report/report.js';
import { readRun } from '../report/run.js';
import { parsePath } from './arguments.js';
import { tryAnalyse } from './report-run.js';

export function addReport(program: Command): void {
  program
    .command('report')
    .description('write the report of a run, or compare several, as one page that opens offline')
    .argument('<run...>', 'folders of runs')
    .option(
      '--out <file>',
      "the page (default: report.html in the run's folder; of several, comparison.html)",
      parsePath,
    )
    .action(runReport);
}

async function runReport(runs: string[], { out }: { out?: string }): Promise<void> {
  for (const run of runs) {
    const { state, validations } = readRun(run);
    if (state.state === 'running' || validations.length === 0) continue;
    await tryAnalyse(run);
  }
  console.log(await writeReport(runs, out));
}
