import type { Command } from 'commander';
import { listRuns } from '../report/list.js';
import { formatDuration } from '../train/progress.js';
import { formatMetric } from './metrics.js';
import { alignColumns, printJson } from './output.js';

export function addRuns(program: Command): void {
  program
    .command('runs')
    .description('list runs with their best metric')
    .argument('[folder...]', 'folders of runs, or runs', ['runs'])
    .option('--json', 'one JSON object a line')
    .action(runRuns);
}

function runRuns(folders: string[], { json }: { json?: true }): void {
  const summaries = listRuns(folders, (error) => {
    process.stderr.write(`left out: ${error.message}\n`);
    process.exitCode = error.exitCode;
  });
  if (json) {
    for (const summary of summaries) printJson(summary);
    return;
  }
  const rows = summaries.map(({ run, data, metric, best, best_step, steps, seconds, state, why }) => [
    run,
    data ?? '–',
    best === null ? '–' : `${metric} ${formatMetric(best)}`,
    best_step === null ? '–' : String(best_step),
    String(steps),
    formatDuration(seconds),
    why ? `${state}: ${why}` : state,
  ]);
  if (rows.length > 0)
    console.log(alignColumns([['run', 'data', 'best', 'at step', 'steps', 'time', 'state'], ...rows], [0, 1, 6]));
}
