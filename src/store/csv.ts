import { readFileSync } from 'node:fs';
import { type CsvError, parse } from 'csv-parse/sync';
import { InputError } from '../base/errors.js';

/** A row of a CSV file. */
export interface CsvRow {
  /** The line on which it ends, from 1. */
  readonly line: number;
  /** The fields of the requested columns; undefined for a column that the header does not name. */
  readonly fields: readonly (string | undefined)[];
}

/**
 * Reads columns of a CSV file (RFC 4180, UTF-8) by their names in the header, whatever their case; other columns are ignored.
 * @param required columns that must be in the header
 * @param optional columns that may be missing
 * @param onRow called with each row in turn; a list of all rows would take many times the size of the file
 * @throws InputError naming file, line and what is wrong
 */
export function readColumns(
  file: string,
  required: readonly string[],
  optional: readonly string[],
  onRow: (row: CsvRow) => void,
): void {
  const bytes = readBytes(file, required);
  let columns: number[] | undefined;
  const take = (record: string[], { lines }: { lines: number }) => {
    if (columns) onRow({ line: lines, fields: columns.map((column) => record[column]) });
    else columns = columnsOf(record, required, optional, file);
    return null;
  };
  try {
    parse(bytes, { bom: true, skip_empty_lines: true, on_record: take });
  } catch (error) {
    if (error instanceof InputError) throw error;
    const { lines, message } = error as CsvError & { lines: number };
    throw new InputError(
      `${file}, line ${lines} is not CSV: ${message}; quote fields that hold commas, double the quotes within`,
      { cause: error },
    );
  }
  if (!columns) columnsOf([], required, optional, file);
}

function columnsOf(
  header: readonly string[],
  required: readonly string[],
  optional: readonly string[],
  file: string,
): number[] {
  const names = header.map((name) => name.trim().toLowerCase());
  if (required.some((name) => !names.includes(name))) {
    const wanted = required.map((name) => `a column ${name}`).join(' and ');
    throw new InputError(`${file}, line 1: the header is "${names.join(',')}"; it must name ${wanted}`);
  }
  return [...required, ...optional].map((name) => names.indexOf(name));
}

function readBytes(file: string, required: readonly string[]): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new InputError(
      `cannot read ${file} (${(error as NodeJS.ErrnoException).code}); name a CSV file with columns ${required.join(' and ')}`,
      { cause: error },
    );
  }
}
