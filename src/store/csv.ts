import { readFileSync } from 'node:fs';
import { type CsvError, type InfoRecord, parse } from 'csv-parse/sync';
import { InputError } from '../base/errors.js';

/** A row of a CSV file. */
export interface CsvRow {
  /** Where it ends, from 1. */
  readonly line: number;
  /** The fields of the columns that were asked for; undefined where the header does not name one. */
  readonly fields: readonly (string | undefined)[];
}

/**
 * Reads columns of a CSV file (RFC 4180, UTF-8) by the names in its header, of which case does not matter; others are ignored.
 * @param required must be in the header
 * @param optional need not
 * @throws InputError naming file, line and what is wrong
 */
export function readColumns(file: string, required: readonly string[], optional: readonly string[] = []): CsvRow[] {
  const [header, ...rows] = readRecords(file, required);
  const names = header?.record.map((name) => name.trim().toLowerCase()) ?? [];
  if (required.some((name) => !names.includes(name))) {
    const wanted = required.map((name) => `a column ${name}`).join(' and ');
    throw new InputError(`${file}, line 1: the header is "${names.join(',')}"; it must name ${wanted}`);
  }
  const columns = [...required, ...optional].map((name) => names.indexOf(name));
  return rows.map(({ record, info }) => ({ line: info.lines, fields: columns.map((column) => record[column]) }));
}

function readRecords(file: string, required: readonly string[]): { record: string[]; info: InfoRecord }[] {
  let text: Buffer;
  try {
    text = readFileSync(file);
  } catch (error) {
    throw new InputError(
      `cannot read ${file} (${(error as NodeJS.ErrnoException).code}); name a CSV file with columns ${required.join(' and ')}`,
      { cause: error },
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
      { cause: error },
    );
  }
}
