import { InputError } from '../base/errors.js';
import { type CsvRow, readColumns } from './csv.js';

/** What items are called outside the model, by item id. */
export interface ItemNames {
  readonly titles: ReadonlyMap<number, string>;
  /** Their ids in the log that the data was imported from; empty where they have no others. */
  readonly originals: ReadonlyMap<number, string>;
}

/**
 * Reads item titles from a CSV file (RFC 4180, UTF-8) whose header names a column `id` and a column `title`; others are ignored.
 * @throws InputError naming file, line and value
 */
export function readTitles(file: string): Map<number, string> {
  return readItemNames(file).titles;
}

/**
 * Reads what `readTitles` reads and, where the header names it, the column `original_id`.
 * @throws InputError naming file, line and value
 */
export function readItemNames(file: string): { titles: Map<number, string>; originals: Map<number, string> } {
  const titles = new Map<number, string>();
  const originals = new Map<number, string>();
  readColumns(file, ['id', 'title'], ['original_id'], (row) => {
    const [, title, original] = row.fields;
    const id = idOf(row, file, 'an item');
    if (titles.has(id)) throw new InputError(`${file}, line ${row.line}: item ${id} is there twice; remove one`);
    titles.set(id, title!);
    if (original !== undefined) originals.set(id, original);
  });
  return { titles, originals };
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
  const rows = Array.from(titles, ([id, title]) => `${id},"${title.replaceAll('"', '""')}"`);
  return `id,title\n${rows.join('\n')}\n`;
}

function idOf({ line, fields }: CsvRow, file: string, what: 'an item' | 'a user'): number {
  const id = fields[0]!.trim();
  if (/^[1-9]\d{0,9}$/.test(id)) return Number(id);
  throw new InputError(`${file}, line ${line}: ${JSON.stringify(id)} is not ${what} id; give a whole number from 1`);
}
