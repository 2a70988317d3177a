import { type Command, InvalidArgumentError, Option } from 'commander';
import { InputError } from '../base/errors.js';
import { type ImportReport, importInteractions } from '../ingest/import.js';
import { DUPLICATES, type ImportOptions, SPLITS, UNSEEN_ITEMS } from '../ingest/options.js';
import { previewImport } from '../ingest/preview.js';
import { describeImport } from '../ingest/report.js';
import { parseCount, parsePath } from './arguments.js';
import { interruptible } from './interrupt.js';
import { printJson } from './output.js';
import { formatPreview } from './preview-output.js';
import { formatStats } from './stats-output.js';

interface ImportFlags extends Omit<ImportOptions, 'out' | 'titles' | 'files' | 'signal' | 'onProgress'> {
  out?: string;
  items?: string;
  itemIdCol?: string;
  titleCol?: string;
  categoryCol?: string;
  kCore?: number;
  preview?: true;
  json?: true;
}

/** What an import prints when it is interrupted. */
export const NOTHING_LEFT = 'stopped; nothing is left behind';

export function addImport(data: Command): void {
  data
    .command('import')
    .description(
      'make a dataset of logs: CSV, TSV and other delimited text, JSON, Parquet, gzip of these, MovieLens ratings.dat, RecBole .inter, "user item" text, a sequence a line',
    )
    .argument('[files...]', "logs, globs ('logs/*.csv.gz') or pipes (- is the standard input), read in this order")
    .option('--out <folder>', 'dataset to write', parsePath)
    .option('--preview', 'print how the logs would be read, and write nothing')
    .option('--force', 'replace the dataset in --out that an import made; whatever else is there stays')
    .optionsGroup('Reading:')
    .option(
      '--user-col <name>',
      'column of the user id, by name, by number or inside an object, user.id (default: found by well-known names)',
    )
    .option('--item-col <name>', 'column of the item id')
    .option('--time-col <name>', 'column of the time')
    .addOption(new Option('--no-time', 'the order of the log counts, whatever a column may look like'))
    .option('--time-format <format>', 'how times are written, such as "%d/%m/%Y %H:%M" (default: numbers or ISO 8601)')
    .option('--rating-col <name>', 'column of the rating')
    .option('--min-rating <number>', 'leave out interactions rated lower', parseNumber)
    .option('--event-col <name>', 'column that tells events of several kinds apart')
    .option('--events <kinds>', 'leave out events but these, such as view,purchase (default: all count)', parseEvents)
    .option('--drop-incomplete', 'leave out rows without a user or an item')
    .addOption(new Option('--header', 'the first line names the columns (default: found out)'))
    .addOption(new Option('--no-header', 'the first line is data'))
    .option('--sequences', 'each line is a user and then their items, oldest first (default: found out)')
    .addOption(new Option('--no-quotes', 'quotes are ordinary characters and enclose nothing'))
    .option(
      '--encoding <name>',
      'of texts: utf-8, windows-1252, utf-16le, shift_jis, …; mixed for lines in UTF-8 or Windows-1252 (default: found out)',
    )
    .option('--items <file>', 'table of item titles', parsePath)
    .option('--item-id-col <name>', 'its column of item ids')
    .option('--title-col <name>', 'its column of titles')
    .option('--category-col <name>', 'its column of categories, where items have one')
    .optionsGroup('Choosing:')
    .addOption(
      // No default here: it would look like the user's choice, which a ready-made split refuses.
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

async function runImport(files: string[], flags: ImportFlags): Promise<void> {
  const { items, itemIdCol, titleCol, categoryCol, kCore, out, preview, json, time, quotes, ...rest } = flags;
  const { encoding } = flags;
  // Commander sets options that have only a negative flag.
  const said = { ...(time === false && { time }), ...(quotes === false && { quotes }) };
  const titles = { idCol: itemIdCol, titleCol, categoryCol, encoding, quotes: said.quotes };
  const options = {
    ...(kCore !== undefined && { minUserInteractions: kCore, minItemInteractions: kCore }),
    ...rest,
    ...said,
    ...(items !== undefined && { titles: { file: items, ...defined(titles) } }),
    files,
  };
  if (preview) return runPreview(options, json);
  if (out === undefined) throw new InputError('name the folder to write with --out, or look first with --preview');
  const work = (signal: AbortSignal) => importInteractions({ ...options, out, signal, onProgress: progress });
  printReport(await interruptible(work, NOTHING_LEFT), json);
}

async function runPreview(options: Omit<ImportOptions, 'out'>, json: true | undefined): Promise<void> {
  const files = await interruptible((signal) => previewImport({ ...options, signal }));
  if (json) printJson(files);
  else console.log(formatPreview(files));
  const problem = files.find((file) => file.problem !== undefined)?.problem;
  if (problem !== undefined) throw new InputError(problem);
}

export function printReport(report: ImportReport, json: true | undefined): void {
  if (json) printJson(report);
  else console.log(`${describeImport(report)}\n${formatStats(report.stats)}`);
}

/** Only on a terminal: it is useless in a log. */
export function progress(step: string): void {
  if (process.stderr.isTTY) process.stderr.write(`${step}\n`);
}

function defined<T extends object>(values: T): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;
}

function parseNumber(text: string): number {
  if (text.trim() === '' || !Number.isFinite(Number(text))) throw new InvalidArgumentError('It must be a number.');
  return Number(text);
}

function parseSeed(text: string): number {
  if (!/^\d+$/.test(text) || Number(text) >= 2 ** 32)
    throw new InvalidArgumentError('It must be a whole number below 2^32.');
  return Number(text);
}

function parseEvents(text: string): string[] {
  const kinds = text
    .split(',')
    .map((kind) => kind.trim())
    .filter(Boolean);
  if (kinds.length === 0) throw new InvalidArgumentError('It must be names such as view,purchase.');
  return kinds;
}
