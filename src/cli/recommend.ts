import { type Command, Option } from 'commander';
import { InputError } from '../base/errors.js';
import { printable } from '../base/printable.js';
import type { Sequences } from '../data/dataset.js';
import type { Recommendation } from '../infer/answers.js';
import { ItemFinder } from '../store/find.js';
import { modelNames, userNames } from '../store/names.js';
import { checkCatalogue, openSource, recallSource } from '../store/source.js';
import { type Column, checkTableFile, type Row, writeTable } from '../store/table.js';
import type { ItemNames } from '../store/titles.js';
import { parseCount, parsePath } from './arguments.js';
import { interruptible } from './interrupt.js';
import { readItems } from './items.js';
import { alignColumns, printJson } from './output.js';
import { type Subject, type SubjectFlags, subjectOf, takeSubject, withDevice } from './subject.js';

interface Flags extends SubjectFlags {
  history?: string[];
  split?: 'train' | 'val' | 'test';
  out?: string;
  top: number;
  exclude?: string[];
  filterSeen?: boolean;
  titles?: string;
  json?: true;
}

/** What stands behind every recommendation. */
interface Setting {
  readonly subject: Subject;
  /** Of the data; undefined where it is not known. */
  readonly folder: string | null | undefined;
  readonly names: ItemNames;
  readonly exclude: readonly number[];
  readonly filterRated: boolean;
}

/** Items of the history that are named above the answer. */
const MOST_ECHOED = 5;

export function addRecommend(program: Command): void {
  const command = program
    .command('recommend')
    .description('the items that a model expects next: after a history, or for all users of a split');
  takeSubject(command, 'dataset in the official layout (default: the one the run was trained on)')
    .option(
      '--history <items...>',
      'ids or titles, oldest first: "12 7 301" or "toy story; matrix"; #12 is item 12 where ids are others; @FILE has one a line',
    )
    .addOption(new Option('--split <name>', 'all users of it, into --out').choices(['train', 'val', 'test']))
    .option('--out <file>', 'with --split: a row a user and item, as .csv, .parquet or .jsonl', parsePath)
    .option('--top <count>', 'how many items, at most 512', parseCount, 10)
    .option('--exclude <items...>', 'ids, titles or @FILE: never to be recommended')
    .option('--filter-seen', "leave out the items of the history (default: the run's filter_rated)")
    .option('--no-filter-seen', 'recommend them too')
    .option(
      '--titles <file>',
      'CSV with the columns id and title (default: what the run keeps, else items.csv of the data)',
      parsePath,
    )
    .option('--json', 'one JSON object an item')
    .action(runRecommend);
}

async function runRecommend(run: string | undefined, flags: Flags): Promise<void> {
  if ((flags.history === undefined) === (flags.split === undefined)) {
    throw new InputError('give either --history <items...> or --split <name> with --out FILE');
  }
  if ((flags.split === undefined) !== (flags.out === undefined)) {
    throw new InputError('--split and --out go together: all users of a split are written to a file');
  }
  if (flags.out) checkTableFile(flags.out);
  const { subject, folder } = subjectOf(run, flags);
  const names = modelNames(run, folder, flags.titles);
  const finder = new ItemFinder(names, subject.numItems);
  const report = (line: string) => process.stderr.write(`${printable(line)}\n`);
  const exclude = flags.exclude ? readItems(finder, flags.exclude, '--exclude', report) : [];
  const filterRated = flags.filterSeen ?? subject.filterRated;
  const setting = { subject, folder, names, exclude, filterRated };
  if (flags.history === undefined) return recommendSplit(run, setting, flags);
  const history = readItems(finder, flags.history, '--history', report);
  if (history.length === 0) throw new InputError('--history: none of it is an item of this model; give ids or titles');
  await recommendHistory(history, finder, setting, flags);
}

async function recommendHistory(history: number[], finder: ItemFinder, setting: Setting, flags: Flags): Promise<void> {
  const { subject, exclude, filterRated } = setting;
  const { titles, originals } = finder.names;
  await withDevice(async (device) => {
    const recommender = await subject.recommender(device);
    const [found] = await recommender.top([history], { top: flags.top, filterRated, exclude });
    if (found.length === 0) {
      process.stderr.write('no item is left to recommend; --no-filter-seen ranks those of the history too\n');
      return;
    }
    const rows = found.map(({ item, ...scores }, i) => {
      const [original, title] = [originals.get(item), titles.get(item)];
      return {
        ...{ rank: i + 1, item, ...(original !== undefined && { original_id: original }), ...scores },
        ...(title !== undefined && { title }),
      };
    });
    if (flags.json) for (const row of rows) printJson(row);
    else {
      const latest = history.slice(-MOST_ECHOED).map((item) => finder.describe(item));
      const before = history.length > MOST_ECHOED ? `${history.length - MOST_ECHOED} items, ` : '';
      console.log(`after ${before}${latest.join(', ')}:\n\n${recommendationTable(rows)}`);
      if (!recommender.probability) console.log(`\n${recommender.meaning}`);
    }
  });
}

async function recommendSplit(run: string | undefined, setting: Setting, flags: Flags): Promise<void> {
  const { subject, exclude, filterRated, names } = setting;
  const split = flags.split!;
  const folder = setting.folder === undefined ? recallSource(run!) : setting.folder; // says what is missing
  const { dataset } = openSource(folder);
  checkCatalogue(subject.label, subject.numItems, dataset);
  const histories = split === 'train' ? dataset.train : dataset[split].inputs;
  const users = split === 'train' ? Uint32Array.from({ length: histories.count }, (_, i) => i) : dataset[split].users;
  if (histories.count === 0)
    throw new InputError(`the ${split} split of ${dataset.name} is empty; choose another --split`);
  const ids = userNames(folder, split, histories.count);
  await withDevice(async (device) => {
    const recommender = await subject.recommender(device);
    const columns: Column[] = [
      { name: 'line', type: 'UINTEGER' },
      ...(ids ? [{ name: 'user', type: 'VARCHAR' } as const] : []),
      { name: 'rank', type: 'UINTEGER' },
      { name: 'item', type: 'UINTEGER' },
      ...(names.originals.size > 0 ? [{ name: 'original_id', type: 'VARCHAR' } as const] : []),
      { name: 'score', type: 'FLOAT' },
      ...(recommender.probability ? [{ name: 'probability', type: 'DOUBLE' } as const] : []),
      ...(names.titles.size > 0 ? [{ name: 'title', type: 'VARCHAR' } as const] : []),
    ];
    const rowsOf = (line: number, found: readonly Recommendation[]) =>
      found.map(({ item, ...scores }, i): Row => {
        const [original_id, title] = [names.originals.get(item), names.titles.get(item)];
        const known: Record<string, Row[number] | undefined> = {
          ...{ line: line + 1, user: ids?.[line], rank: i + 1, item, original_id, title, ...scores },
        };
        return columns.map(({ name }) => known[name] ?? null);
      });
    const rows = await interruptible((signal) => {
      const options = { top: flags.top, filterRated, exclude, signal, ...(users && { users }) };
      const batches = async function* () {
        let line = 0;
        for await (const batch of recommender.batches(each(histories), options)) {
          yield batch.flatMap((found) => rowsOf(line++, found));
          if (process.stderr.isTTY) process.stderr.write(`\r${line} of ${histories.count} users`);
        }
        if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
      };
      return writeTable(flags.out!, columns, batches());
    });
    const n = (value: number) => value.toLocaleString('en-US');
    console.log(`${flags.out}: ${n(rows)} recommendations for the ${n(histories.count)} users of the ${split} split`);
    if (!recommender.probability) console.log(recommender.meaning);
  });
}

function* each(sequences: Sequences): Generator<Uint32Array> {
  for (let i = 0; i < sequences.count; i++) yield sequences.at(i);
}

interface RecommendationRow {
  rank: number;
  item: number;
  original_id?: string;
  score: number;
  probability?: number;
  title?: string;
}

/** Columns without any value are left out. */
function recommendationTable(rows: readonly RecommendationRow[]): string {
  const shown = (['rank', 'item', 'original_id', 'score', 'probability', 'title'] as const).filter((name) =>
    rows.some((row) => row[name] !== undefined),
  );
  const cell = (value: string | number | undefined, name: string) =>
    typeof value === 'number' && (name === 'score' || name === 'probability') ? value.toFixed(4) : String(value ?? '');
  const cells = rows.map((row) => shown.map((name) => cell(row[name], name)));
  return alignColumns([shown, ...cells], [shown.indexOf('title')]);
}
