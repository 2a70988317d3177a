import { InputError } from '../base/errors.js';
import { type CsvRow, readColumns } from './csv.js';
import { writeWhole } from './files.js';

/** The names of items outside the model, by item id. */
export interface ItemNames {
  readonly titles: ReadonlyMap<number, string>;
  /** Their ids in the log that the data was imported from; empty if those are the same. */
  readonly originals: ReadonlyMap<number, string>;
  /** The category of each item that has one; left out if no file has categories. */
  readonly categories?: ReadonlyMap<number, string>;
  /** How often each item occurs in training; left out if no file has counts. */
  readonly counts?: ReadonlyMap<number, number>;
  /** Days from each item's first interaction to the end of the log; left out if no file has them. */
  readonly ages?: ReadonlyMap<number, number>;
}

/**
 * Reads item titles from a CSV file (RFC 4180, UTF-8) whose header names a column `id` and a column `title`; others are ignored.
 * @throws InputError naming file, line and value
 */
export function readTitles(file: string): Map<number, string> {
  return readItemNames(file).titles;
}

/**
 * Reads what `readTitles` reads and, if the header names them, the columns `original_id`, `category` and `age_days`.
 * @throws InputError naming file, line and value
 */
export function readItemNames(file: string): {
  titles: Map<number, string>;
  originals: Map<number, string>;
  categories?: Map<number, string>;
  ages?: Map<number, number>;
} {
  const { counts, ...names } = readNames(file, ['id', 'title'], ['original_id', 'category', 'age_days']);
  return names;
}

/**
 * Reads a file of `writeItemNames`.
 * @throws InputError naming file, line and value
 */
export function readOwnNames(file: string): ItemNames {
  return readNames(file, ['id'], ['title', 'original_id', 'category', 'interactions', 'age_days']);
}

function readNames(file: string, required: readonly string[], optional: readonly string[]) {
  const titles = new Map<number, string>();
  const originals = new Map<number, string>();
  const categories = new Map<number, string>();
  const counts = new Map<number, number>();
  const ages = new Map<number, number>();
  const columns = [...required, ...optional];
  const seen = new Set<number>();
  readColumns(file, required, optional, (row) => {
    const field = (name: string) => row.fields[columns.indexOf(name)];
    const id = idOf(row, file, 'an item');
    if (seen.has(id)) throw new InputError(`${file}, line ${row.line}: item ${id} is there twice; remove one`);
    seen.add(id);
    const [title, original, category] = ['title', 'original_id', 'category'].map(field);
    const [count, age] = ['interactions', 'age_days'].map(field);
    if (title !== undefined) titles.set(id, title);
    if (original !== undefined) originals.set(id, original);
    if (category) categories.set(id, category);
    if (count !== undefined) counts.set(id, countOf(count, row, file, 'count of interactions'));
    if (age) ages.set(id, countOf(age, row, file, 'number of days'));
  });
  return {
    ...{ titles, originals, ...(categories.size > 0 && { categories }) },
    ...(counts.size > 0 && { counts }),
    ...(ages.size > 0 && { ages }),
  };
}

/** The items whose count, or age, is at least so large. @param among only these are looked at; all that have a count if left out */
export function atLeast(
  least: number,
  counts: ReadonlyMap<number, number>,
  among: Iterable<number> = counts.keys(),
): number[] {
  return Array.from(among).filter((item) => (counts.get(item) ?? 0) >= least);
}

/**
 * Writes the names of the items 1..N for a run, whole or not at all: a CSV file with the columns `id`, `interactions` and, as far as they are known,
 * `original_id`, `title`, `category` and `age_days`.
 * @throws GsasError naming the file if it cannot be written
 */
export function writeItemNames(
  file: string,
  { titles, originals, categories, counts, ages }: Required<ItemNames>,
): void {
  const columns = Object.entries({
    original_id: originals,
    title: titles,
    category: categories,
    age_days: ages,
  }).filter(([, { size }]) => size > 0);
  const rows = Array.from(counts, ([item, count]) =>
    [item, count, ...columns.map(([, values]) => quoteField(String(values.get(item) ?? '')))].join(','),
  );
  const header = ['id', 'interactions', ...columns.map(([name]) => name)].join(',');
  writeWhole(file, [Buffer.from([header, ...rows, ''].join('\n'))]);
}

/**
 * Reads the ids that users have in the log, from a CSV file whose header names a column `id` and a column `original_id`.
 * @throws InputError naming file, line and value
 */
export function readUserNames(file: string): Map<number, string> {
  const names = new Map<number, string>();
  readColumns(file, ['id', 'original_id'], [], (row) => names.set(idOf(row, file, 'a user'), row.fields[1]!));
  return names;
}

/** The CSV text that `readTitles` reads back. */
export function formatTitles(titles: ReadonlyMap<number, string>): string {
  const rows = Array.from(titles, ([id, title]) => `${id},${quoteField(title)}`);
  return `id,title\n${rows.join('\n')}\n`;
}

function quoteField(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}

function idOf({ line, fields }: CsvRow, file: string, what: 'an item' | 'a user'): number {
  const id = fields[0]!.trim();
  if (/^[1-9]\d{0,9}$/.test(id)) return Number(id);
  throw new InputError(`${file}, line ${line}: ${JSON.stringify(id)} is not ${what} id; give a whole number from 1`);
}

function countOf(text: string, { line }: CsvRow, file: string, what: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InputError(`${file}, line ${line}: ${JSON.stringify(text)} is no ${what}; give a whole number`);
}
