import { type Command, InvalidArgumentError, Option } from 'commander';
import { PUBLIC_DATASETS } from '../ingest/download/catalogue.js';
import { type DownloadOptions, downloadDataset } from '../ingest/download/download.js';
import { type ImportReport, importInteractions } from '../ingest/import.js';
import { DUPLICATES, ENCODINGS, type ImportOptions, SPLITS, UNSEEN_ITEMS } from '../ingest/options.js';
import { describeImport } from '../ingest/report.js';
import { datasetStats } from '../ingest/stats.js';
import { parsePath } from './arguments.js';
import { printJson } from './output.js';
import { formatStats } from './stats-output.js';

interface ImportFlags extends Omit<ImportOptions, 'titles' | 'files' | 'signal' | 'onProgress'> {
  items?: string;
  itemIdCol?: string;
  titleCol?: string;
  kCore?: number;
  json?: true;
}

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

function addImport(data: Command): void {
  data
    .command('import')
    .description(
      'make a dataset of logs: CSV, TSV and other delimited text, JSON lines, Parquet, gzip of these, MovieLens ratings.dat, RecBole .inter, "user item" text',
    )
    .argument('[files...]', "logs or globs ('logs/*.csv.gz'), read in this order")
    .requiredOption('--out <folder>', 'dataset to write', parsePath)
    .option('--force', 'replace the dataset in --out that an import made; whatever else is there stays')
    .optionsGroup('Reading:')
    .option('--user-col <name>', 'column of the user id, by name or by number (default: found by well-known names)')
    .option('--item-col <name>', 'column of the item id')
    .option('--time-col <name>', 'column of the time; without times the order of the log counts')
    .option('--time-format <format>', 'how times are written, such as "%d/%m/%Y %H:%M" (default: numbers or ISO 8601)')
    .option('--rating-col <name>', 'column of the rating')
    .option('--min-rating <number>', 'leave out interactions rated lower', parseNumber)
    .addOption(new Option('--header', 'the first line names the columns (default: found out)'))
    .addOption(new Option('--no-header', 'the first line is data'))
    .addOption(new Option('--encoding <name>', 'of texts').choices(ENCODINGS).default('utf-8'))
    .option('--items <file>', 'table of item titles', parsePath)
    .option('--item-id-col <name>', 'its column of item ids')
    .option('--title-col <name>', 'its column of titles')
    .optionsGroup('Choosing:')
    .addOption(
      // No default here: what the command line sets looks like what the user said, and a ready-made split refuses it.
      new Option(
        '--duplicates <which>',
        "which of a user's interactions with the same item to keep: all (keep, the default), first, last",
      ).choices(DUPLICATES),
    )
    .option('--k-core <count>', 'the two below at once', parseCount)
    .option(
      '--min-user-interactions <count>',
      'leave out users with fewer, until none is left (default: 1)',
      parseCount,
    )
    .option(
      '--min-item-interactions <count>',
      'leave out items with fewer, until none is left (default: 1)',
      parseCount,
    )
    .optionsGroup('Splitting:')
    .addOption(new Option('--split <kind>', 'how').choices(SPLITS).default('leave-one-out'))
    .option(
      '--val-users <count>',
      'leave-one-out: validate on so many users, drawn as in the official code (default: all)',
      parseCount,
    )
    .option('--val-seed <number>', 'leave-one-out: seed of that draw (default: 42)', parseSeed)
    .option('--test-from <time>', 'time: what comes from then on is for testing; a date, or a number as in the log')
    .option(
      '--val-from <time>',
      'time: what comes from then on is for validation (default: as long as the test period, before it)',
    )
    .option('--train <files...>', 'given: files of each part')
    .option('--val <files...>', 'given')
    .option('--test <files...>', 'given')
    .addOption(
      new Option(
        '--unseen-items <what>',
        'held-out items that training never sees (default: drop for time, else keep)',
      ).choices(UNSEEN_ITEMS),
    )
    .optionsGroup('Working:')
    .option('--memory-limit <size>', 'the most memory DuckDB takes; the rest goes to disk beside --out', '1GB')
    .option('--json', 'print the report as JSON')
    .action(runImport);
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
  const report = await untilSignal((signal) =>
    downloadDataset(name, { ...options, signal, onProgress: progress, onBytes: showBytes() }),
  );
  printReport(report, json);
}

/** At most a line a second. */
function showBytes(): (have: number, total: number | undefined) => void {
  let last = 0;
  return (have, total) => {
    if (Date.now() - last < 1000) return;
    last = Date.now();
    progress(`${(have / 1e6).toFixed(1)}${total ? ` of ${(total / 1e6).toFixed(1)}` : ''} MB`);
  };
}

function printReport(report: ImportReport, json: true | undefined): void {
  if (json) printJson(report);
  else console.log(`${describeImport(report)}\n${formatStats(report.stats)}`);
}

async function runImport(files: string[], flags: ImportFlags): Promise<void> {
  const { items, itemIdCol, titleCol, kCore, json, ...rest } = flags;
  const given = { idCol: itemIdCol, titleCol, encoding: flags.encoding };
  const options = {
    ...(kCore !== undefined && { minUserInteractions: kCore, minItemInteractions: kCore }),
    ...rest,
    ...(items !== undefined && { titles: { file: items, ...defined(given) } }),
    files,
  };
  const report = await untilSignal((signal) => importInteractions({ ...options, signal, onProgress: progress }));
  printReport(report, json);
}

/** Runs work that a signal of the user's aborts: it clears up, and the process ends as by that signal. */
async function untilSignal<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const abort = new AbortController();
  const stop = () => abort.abort();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, stop);
  try {
    return await work(abort.signal);
  } catch (error) {
    if (!abort.signal.aborted) throw error;
    process.stderr.write('stopped; nothing is left behind\n');
    return process.exit(130);
  } finally {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.off(name, stop);
  }
}

/** On a terminal only: a log has no use for it. */
function progress(step: string): void {
  if (process.stderr.isTTY) process.stderr.write(`${step}\n`);
}

function defined<T extends object>(values: T): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;
}

function parseUrl(text: string): string {
  if (!/^https?:/.test(text) || !URL.canParse(text))
    throw new InvalidArgumentError('It must be an http or https address.');
  return text;
}

function parseNumber(text: string): number {
  if (text.trim() === '' || !Number.isFinite(Number(text))) throw new InvalidArgumentError('It must be a number.');
  return Number(text);
}

function parseCount(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('It must be a whole number, at least 1.');
  return Number(text);
}

function parseSeed(text: string): number {
  if (!/^\d+$/.test(text) || Number(text) >= 2 ** 32)
    throw new InvalidArgumentError('It must be a whole number below 2^32.');
  return Number(text);
}
