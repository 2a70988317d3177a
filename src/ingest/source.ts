import { GsasError, InputError } from '../base/errors.js';
import { printable } from '../base/printable.js';
import type { Columns } from './columns.js';
import { firstLine, literal } from './database.js';

/** One table in a file, and how to read it. */
export interface Source extends Columns {
  /** The file to read: the file itself, or what it was unpacked to. */
  readonly path: string;
  /** `sequences` was text with a user and the user's items in each line; the pairs are what is read. */
  readonly format: 'text' | 'sequences' | 'json' | 'json array' | 'parquet';
  /** Format and encoding, in words. */
  readonly about: string;
  /** Whether fields of a text may be in quotes. */
  readonly quoted: boolean;
  /** SQL for the rows: `FROM …` with each column's expression in `expressions`. */
  readonly from: string;
  /** SQL for each column; text, except for Parquet's own types. */
  readonly expressions: readonly string[];
  /** DuckDB's type of each column. */
  readonly types: readonly string[];
  /** What was guessed and the user should know. */
  readonly notes: readonly string[];
}

export interface SourceOptions {
  /** Whether the first line names the columns; guessed if left out. */
  readonly header?: boolean | undefined;
  /** False if quotes are ordinary characters. */
  readonly quotes?: boolean | undefined;
  /** Whether a line holds a user and then the user's items; guessed if left out. */
  readonly sequences?: boolean | undefined;
  readonly encoding?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Columns that flags name: a first line that holds such a name is a header, and `user.id` is inside an object `user`. */
  readonly named?: readonly (string | undefined)[];
}

/** A path as an SQL literal in which DuckDB sees no glob. */
export function globFree(path: string): string {
  return literal(path.replace(/[*?[]/g, '[$&]'));
}

/** SQL for an id: text without spaces around it; NULL if it is empty, or in JSON a list or an object. */
export function idExpression({ expressions, format }: Source, column: number): string {
  const text = `(${expressions[column]}::VARCHAR)`;
  const id = `nullif(trim(${text}), '')`;
  if (!format.startsWith('json')) return id;
  // A range of texts that begin with a bracket: comparing is much faster than taking the first character.
  const bracket = `((${text} >= '[' AND ${text} < '\\') OR (${text} >= '{' AND ${text} < '|'))`;
  return `CASE WHEN ${bracket} AND json_valid(${text}) THEN NULL ELSE ${id} END`;
}

/** What DuckDB's errors begin with. */
const KIND = /^[A-Z][\w ]* Error: /;

/** Runs a query on a file. @throws InputError with DuckDB's message; an abort and a lack of memory have their own messages */
export async function reading<T>(source: Pick<Source, 'file' | 'path'>, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof GsasError || !(error instanceof Error) || !KIND.test(error.message)) throw error;
    throw unreadable(source, error);
  }
}

/** DuckDB's message about a file that it cannot read, in one line that names the file as the user did. */
function unreadable({ file, path }: Pick<Source, 'file' | 'path'>, error: unknown): InputError {
  // DuckDB counts the records of an array from 0 or from 1.
  const reason = printable(firstLine(error))
    .replace(KIND, '')
    .replace(/\b(at byte \d+ )?in record\/value (\d+)/, 'near record $2')
    .replaceAll(path, file);
  const line = /\bin line (\d+)/.exec(reason)?.[1];
  return new InputError(`${file}${line ? `, line ${line}` : ''} cannot be read: ${reason}`, {
    cause: error,
  });
}
