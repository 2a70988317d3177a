import { randomUUID } from 'node:crypto';
import { closeSync, createReadStream, createWriteStream, existsSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import { InputError } from '../base/errors.js';
import { type Columns, guessColumn, positionOf, type Role } from './columns.js';
import { type Database, firstLine, identifier, literal } from './database.js';

/** One table in a file, and how to read it. */
export interface Source extends Columns {
  /** What is read: the file itself, or what it was unpacked to. */
  readonly path: string;
  readonly format: 'text' | 'json' | 'parquet';
  /** Whether fields of a text may stand in quotes. */
  readonly quoted: boolean;
  /** SQL of the rows: `FROM …` with each column's expression in `expressions`. */
  readonly from: string;
  /** SQL of each column; text, but for the types that Parquet knows. */
  readonly expressions: readonly string[];
  /** DuckDB's type of each column. */
  readonly types: readonly string[];
}

export interface SourceOptions {
  /** Whether the first line names the columns; found out when not said. */
  readonly header?: boolean | undefined;
  readonly encoding?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Columns that flags name: a first line that holds such a name is a header. */
  readonly named?: readonly (string | undefined)[];
}

/** How much of a file is looked at to find out what it is. */
const PEEK_BYTES = 2 ** 18;

/** RecBole's: a name, a colon, a type. */
const TYPED_NAME = /^(.+):(token|float|token_seq|float_seq)$/;
const NUMBER_OR_DATE = /^[-+]?\d+(\.\d+)?(e[-+]?\d+)?$|^\d{4}-\d\d?-\d\d?/i;

/**
 * The files that names and globs stand for, each glob's sorted by name.
 * @throws InputError when there is none
 */
export async function expandFiles(db: Database, patterns: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const pattern of patterns) {
    if (existsSync(pattern)) {
      if (statSync(pattern).isDirectory())
        throw new InputError(`${pattern} is a folder; name its files, such as '${join(pattern, '*.csv')}'`);
      files.push(pattern);
      continue;
    }
    if (!/[*?[]/.test(pattern)) throw new InputError(`there is no file ${pattern}`);
    const matches = await db.rows<{ file: string }>(`SELECT file FROM glob(${literal(pattern)}) ORDER BY file`);
    if (matches.length === 0) throw new InputError(`no file matches ${pattern}`);
    files.push(...matches.map(({ file }) => file));
  }
  return files;
}

/**
 * Finds out how to read a file, and unpacks it first where it is gzip.
 * @param folder for unpacked files
 * @throws InputError naming the file, and the line where there is one
 */
export async function openSource(db: Database, file: string, folder: string, options: SourceOptions): Promise<Source> {
  let path = file;
  let start = readStart(file);
  if (start[0] === 0x1f && start[1] === 0x8b) {
    path = await unpack(file, folder, options.signal);
    start = readStart(path);
  }
  if (start.length === 0) throw new InputError(`${file} is empty`);
  if (start.subarray(0, 4).toString('latin1') === 'PAR1') return parquetSource(db, file, path);
  const text = new TextDecoder(options.encoding === 'latin-1' ? 'latin1' : 'utf-8').decode(start);
  if (text.startsWith('{')) return jsonSource(file, path, text);
  if (text.startsWith('['))
    throw new InputError(`${file}, line 1: a JSON array cannot be read in pieces; write an object a line (JSON lines)`);
  return textSource(file, path, text, options);
}

async function parquetSource(db: Database, file: string, path: string): Promise<Source> {
  const from = `FROM read_parquet(${literal(escapeGlob(path))}, binary_as_string = true)`;
  try {
    const columns = await db.rows<{ column_name: string; column_type: string }>(`DESCRIBE SELECT * ${from}`);
    const names = columns.map(({ column_name }) => column_name);
    const types = columns.map(({ column_type }) => column_type);
    return named({ file, path, format: 'parquet', names, from, types });
  } catch (error) {
    throw unreadable(file, path, error);
  }
}

function jsonSource(file: string, path: string, text: string): Source {
  let first: object;
  try {
    first = JSON.parse(text.split('\n', 1)[0]);
  } catch (error) {
    throw new InputError(`${file}, line 1 is not a JSON object: ${(error as Error).message}`, { cause: error });
  }
  const names = Object.keys(first);
  const columns = names.map((name) => `${literal(name)}: 'VARCHAR'`).join(', ');
  const from = `FROM read_json(${literal(escapeGlob(path))}, format = 'newline_delimited', columns = {${columns}})`;
  const types = names.map(() => 'VARCHAR');
  return named({ file, path, format: 'json', names, from, types });
}

/** A source whose format names its columns. */
function named(source: Pick<Source, 'file' | 'path' | 'format' | 'names' | 'from' | 'types'>): Source {
  return { ...source, hasHeader: true, quoted: false, expressions: source.names.map(identifier) };
}

function textSource(file: string, path: string, text: string, options: SourceOptions): Source {
  const [line = ''] = text.split(/\r?\n/, 1);
  if (line.trim() === '') throw new InputError(`${file}, line 1 is empty; it must hold the names of columns, or data`);
  const delimiter = findDelimiter(file, line);
  const quoted = /^[,;\t]$/.test(delimiter) && !/\.(inter|item)(\.gz)?$/.test(file);
  const fields = splitLine(file, line, delimiter, quoted);
  if (fields.length < 2)
    throw new InputError(
      `${file}, line 1: ${JSON.stringify(line.slice(0, 80))} is one column; separate columns by comma, tab, semicolon, | or ::`,
    );
  const names = fields.map((field) => TYPED_NAME.exec(field)?.[1] ?? field.trim());
  const hasHeader =
    options.header ?? looksLikeHeader({ file, names, hasHeader: true }, fields, delimiter, options.named ?? []);
  const columns = fields.map((_, i) => `'c${i}': 'VARCHAR'`).join(', ');
  const dialect = `delim = ${literal(delimiter)}, quote = '${quoted ? '"' : ''}', escape = '${quoted ? '"' : ''}', header = ${hasHeader}`;
  const encoding = options.encoding ? `, encoding = ${literal(options.encoding)}` : '';
  const from = `FROM read_csv(${literal(escapeGlob(path))}, auto_detect = false, ${dialect}, columns = {${columns}}${encoding}, store_rejects = true, rejects_limit = 1000)`;
  const types = names.map(() => 'VARCHAR');
  return {
    file,
    path,
    format: 'text',
    names,
    hasHeader,
    quoted,
    from,
    types,
    expressions: fields.map((_, i) => `c${i}`),
  };
}

/** By the file's kind where that says it, else the sign most frequent in its first line. */
function findDelimiter(file: string, line: string): string {
  if (/\.(tsv|inter|item)(\.gz)?$/.test(file) && line.includes('\t')) return '\t';
  if (line.includes('::')) return '::';
  const outsideQuotes = line.replace(/"[^"]*"/g, '');
  const count = (sign: string) => outsideQuotes.split(sign).length;
  const best = [',', '\t', ';', '|'].reduce((a, b) => (count(b) > count(a) ? b : a));
  return count(best) > 1 ? best : ' ';
}

function splitLine(file: string, line: string, delimiter: string, quoted: boolean): string[] {
  if (!quoted) return line.split(delimiter);
  try {
    return parse(line, { delimiter })[0] as unknown as string[];
  } catch (error) {
    throw new InputError(`${file}, line 1: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * Names that a flag gives, that RecBole types, or that are well known make a header; else a number or a date makes data, and so do
 * the two words of a line of SASRec's text.
 */
function looksLikeHeader(
  columns: Columns,
  fields: readonly string[],
  delimiter: string,
  named: readonly (string | undefined)[],
): boolean {
  if (fields.every((field) => TYPED_NAME.test(field))) return true;
  if (named.some((name) => name !== undefined && !/^\d+$/.test(name) && positionOf(columns.names, name) >= 0))
    return true;
  const known = (role: Role) => guessColumn(columns, role) !== undefined;
  if ((known('user') && known('item')) || (known('entry') && known('title'))) return true;
  return delimiter !== ' ' && !fields.some((field) => NUMBER_OR_DATE.test(field.trim()));
}

function readStart(file: string): Buffer {
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch (error) {
    throw new InputError(`cannot read ${file} (${(error as NodeJS.ErrnoException).code})`, { cause: error });
  }
  try {
    const buffer = Buffer.alloc(PEEK_BYTES);
    return buffer.subarray(0, readSync(fd, buffer));
  } finally {
    closeSync(fd);
  }
}

/** DuckDB takes a gzip that breaks off for one that ends, so it is unpacked here, where length and checksum are verified. */
async function unpack(file: string, folder: string, signal: AbortSignal | undefined): Promise<string> {
  const path = join(folder, randomUUID());
  try {
    await pipeline(createReadStream(file), createGunzip(), createWriteStream(path), { signal });
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    if (!code.startsWith('Z_')) throw error;
    throw new InputError(`${file} is not a whole gzip file (${message}); fetch or pack it again`, { cause: error });
  }
  return path;
}

/** Brackets keep DuckDB from taking signs of a file's name for a glob. */
function escapeGlob(path: string): string {
  return path.replace(/[*?[]/g, '[$&]');
}

/** What DuckDB says of a file that it cannot read, in one line that names the file as the user did. */
export function unreadable(file: string, path: string, error: unknown): InputError {
  const reason = firstLine(error)
    .replace(/^[A-Z][\w ]*Error: /, '')
    .replaceAll(path, file);
  const line = /\bin line (\d+)/.exec(reason)?.[1];
  return new InputError(`${file}${line ? `, line ${line}` : ''} cannot be read: ${reason}`, { cause: error });
}
