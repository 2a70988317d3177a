import { type Command, InvalidArgumentError } from 'commander';
import { PUBLIC_DATASETS } from '../ingest/download/catalogue.js';
import { type DownloadOptions, downloadDataset } from '../ingest/download/download.js';
import { datasetStats } from '../store/stats.js';
import { parsePath } from './arguments.js';
import { addImport, NOTHING_LEFT, printReport, progress } from './data-import.js';
import { interruptible } from './interrupt.js';
import { printJson } from './output.js';
import { formatStats } from './stats-output.js';

export function addData(program: Command): void {
  const data = program.command('data').description('make datasets of interaction logs, fetch public ones, count them');
  addImport(data);
  addDownload(data);
  data
    .command('stats')
    .description('count a dataset: users, items, lengths, repeats, and what leaving out seen items would hide')
    .argument('<folder>', 'dataset in the official layout', parsePath)
    .option('--json', 'as JSON')
    .action((folder: string, { json }: { json?: true }) => {
      const stats = datasetStats(folder);
      if (json) printJson(stats);
      else console.log(formatStats(stats));
    });
}

function addDownload(data: Command): void {
  const names = Object.entries(PUBLIC_DATASETS).map(([name, { about }]) => `  ${name.padEnd(14)} ${about}`);
  data
    .command('download')
    .description('fetch a public dataset, verify it, and make a dataset of it as papers use it')
    .argument('<name>', 'which')
    .requiredOption('--out <folder>', 'dataset to write', parsePath)
    .option('--from <file>', 'the public file, fetched by other means', parsePath)
    .option('--url <address>', 'another address of the same file', parseUrl)
    .option('--cache <folder>', 'where fetched files stay (default: ~/.cache/gsas-wgpu/data)', parsePath)
    .option('--force', 'replace the dataset in --out that an import made; whatever else is there stays')
    .option('--memory-limit <size>', 'the most memory DuckDB takes; the rest goes to disk beside --out', '1GB')
    .option('--json', 'print the report as JSON')
    .addHelpText('after', `\nDatasets:\n${names.join('\n')}`)
    .action(runDownload);
}

async function runDownload(name: string, flags: Omit<DownloadOptions, 'signal'> & { json?: true }): Promise<void> {
  const { json, ...options } = flags;
  const report = await interruptible(
    (signal) => downloadDataset(name, { ...options, signal, onProgress: progress, onBytes: showBytes() }),
    NOTHING_LEFT,
  );
  printReport(report, json);
}

/** At most one line per second. */
function showBytes(): (have: number, total: number | undefined) => void {
  let last = 0;
  return (have, total) => {
    if (Date.now() - last < 1000) return;
    last = Date.now();
    progress(`${(have / 1e6).toFixed(1)}${total ? ` of ${(total / 1e6).toFixed(1)}` : ''} MB`);
  };
}

function parseUrl(text: string): string {
  if (!/^https?:/.test(text) || !URL.canParse(text))
    throw new InvalidArgumentError('It must be an http or https address.');
  return text;
}
