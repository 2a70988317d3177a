import { readFileSync } from 'node:fs';
import { type CsvError, type InfoRecord, parse } from 'csv-parse/sync';
import { InputError } from '../engine/errors.js';

/**
 * Reads item titles from a CSV file (RFC 4180, UTF-8) whose header names a column `id` and a column `title`; others are ignored.
 * @throws InputError naming file, line and value
 */
export function readTitles(file: string): Map<number, string> {
  const [header, ...rows] = readRecords(file);
  const names = header?.record.map((name) => name.trim().toLowerCase()) ?? [];
  const idColumn = names.indexOf('id');
  const titleColumn = names.indexOf('title');
  if (idColumn < 0 || titleColumn < 0) {
    throw new InputError(
      `${file}, line 1: the header is "${names.join(',')}"; it must name a column id and a column title`,
    );
  }
  const titles = new Map<number, string>();
  for (const { record, info } of rows) {
    const id = record[idColumn]!.trim();
    if (!/^[1-9]\d*$/.test(id)) {
      throw new InputError(
        `${file}, line ${info.lines}: ${JSON.stringify(id)} is not an item id; give a whole number from 1`,
      );
    }
    if (titles.has(Number(id)))
      throw new InputError(`${file}, line ${info.lines}: item ${id} is there twice; remove one`);
    titles.set(Number(id), record[titleColumn]!);
  }
  return titles;
}

/** The CSV text that `readTitles` reads back. */
export function formatTitles(titles: ReadonlyMap<number, string>): string {
  const rows = Array.from(titles, ([id, title]) => `${id},"${title.replaceAll('"', '""')}"`);
  return `id,title\n${rows.join('\n')}\n`;
}

function readRecords(file: string): { record: string[]; info: InfoRecord }[] {
  let text: Buffer;
  try {
    text = readFileSync(file);
  } catch (error) {
    throw new InputError(
      `cannot read ${file} (${(error as NodeJS.ErrnoException).code}); name a CSV file with columns id and title`,
      {
        cause: error,
      },
    );
  }
  try {
    return parse(text, { bom: true, info: true, skip_empty_lines: true }) as unknown as {
      record: string[];
      info: InfoRecord;
    }[];
  } catch (error) {
    const { lines, message } = error as CsvError & { lines: number };
    throw new InputError(
      `${file}, line ${lines} is not CSV: ${message}; quote fields that hold commas, double the quotes within`,
      {
        cause: error,
      },
    );
  }
}
