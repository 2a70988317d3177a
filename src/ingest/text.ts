import { parse } from 'csv-parse/sync';
import { InputError } from '../base/errors.js';
import { printable, quoted } from '../base/printable.js';
import { type Columns, guessColumn, positionOf, type Role } from './columns.js';
import { literal } from './database.js';
import { writePairs } from './pairs.js';
import { globFree, type Source, type SourceOptions } from './source.js';

/** RecBole's: a name, a colon, a type. */
const TYPED_NAME = /^(.+):(token|float|token_seq|float_seq)$/;
const NUMBER_OR_DATE = /^[-+]?\d+(\.\d+)?(e[-+]?\d+)?$|^\d{4}-\d\d?-\d\d?/i;

const DELIMITERS: Readonly<Record<string, string>> = {
  ',': 'commas',
  '\t': 'tabs',
  ';': 'semicolons',
  '|': 'bars',
  '::': '::',
  ' ': 'spaces',
};

/** A longer first line is not a row of a log. The examined part of a file must be longer still. */
const MOST_LETTERS = 2 ** 16;

/**
 * Delimited text with or without a header, or one sequence per line.
 * @param text the beginning of the file, decoded
 * @param folder for the pairs that sequences become
 * @throws InputError naming file and line
 */
export async function textSource(
  file: string,
  path: string,
  text: string,
  folder: string,
  options: SourceOptions,
): Promise<Source> {
  const [line = ''] = text.split('\n', 1).map((first) => first.replace(/\r$/, ''));
  if (line.trim() === '') throw new InputError(`${file}, line 1 is empty; it must hold the names of columns, or data`);
  const delimiter = findDelimiter(file, line);
  const found = areSequences(text, delimiter) && !namesColumns(file, line.split(delimiter), options.named);
  if (options.sequences ?? found)
    return sequenceSource(file, await writePairs(file, path, delimiter, folder, options.signal));
  if (!text.includes('\n') && text.length > MOST_LETTERS)
    throw new InputError(
      `${file}, line 1 is too long to hold a row of columns; say --sequences if it is a user and then their items`,
    );
  const quotes = options.quotes ?? (/^[,;\t]$/.test(delimiter) && !/\.(inter|item)(\.gz)?$/.test(file));
  const fields = splitLine(file, line, delimiter, quotes);
  if (fields.length < 2)
    throw new InputError(
      `${file}, line 1: ${quoted(line.slice(0, 80))} is one column; separate columns by comma, tab, semicolon, | or ::`,
    );
  const names = fields.map(nameOf);
  const hasHeader =
    options.header ??
    (namesColumns(file, fields, options.named) ||
      (delimiter !== ' ' && !fields.some((field) => NUMBER_OR_DATE.test(field.trim()))));
  const columns = fields.map((_, i) => `'c${i}': 'VARCHAR'`).join(', ');
  const quote = quotes ? '"' : '';
  return {
    file,
    path,
    format: 'text',
    about: `text separated by ${DELIMITERS[delimiter]}, ${hasHeader ? 'with' : 'without'} a header`,
    names,
    hasHeader,
    headerFound: options.header === undefined,
    quoted: quotes,
    from: readCsv(
      path,
      `delim = ${literal(delimiter)}, quote = '${quote}', escape = '${quote}', header = ${hasHeader}, columns = {${columns}}`,
    ),
    types: names.map(() => 'VARCHAR'),
    expressions: fields.map((_, i) => `c${i}`),
    notes: [],
  };
}

function readCsv(path: string, dialect: string): string {
  return `FROM read_csv(${globFree(path)}, auto_detect = false, ${dialect}, store_rejects = true, rejects_limit = 1000)`;
}

/** @param path of the pairs */
function sequenceSource(file: string, path: string): Source {
  return {
    file,
    path,
    format: 'sequences',
    about: 'a sequence a line, a user and then their items, oldest first',
    names: ['user', 'item'],
    hasHeader: false,
    quoted: false,
    from: readCsv(
      path,
      `delim = '\t', quote = '', escape = '', header = false, columns = {'c0': 'VARCHAR', 'c1': 'VARCHAR'}`,
    ),
    types: ['VARCHAR', 'VARCHAR'],
    expressions: ['c0', 'c1'],
    notes: [],
  };
}

/**
 * Whether lines are a user and then the user's items: of different lengths, mostly with more than one item, and each with another user. A log of pairs
 * with an extra word somewhere does not count: its users repeat.
 */
function areSequences(text: string, delimiter: string): boolean {
  if (delimiter !== ' ' && delimiter !== '\t') return false;
  const lines = text
    .split('\n')
    .slice(0, -1)
    .filter((line) => line.trim() !== '');
  const words = lines.map((line) => (delimiter === ' ' ? line.trim().split(/ +/) : line.split(delimiter)));
  const lengths = words.map(({ length }) => length).sort((a, b) => a - b);
  const users = new Set(words.map(([user]) => user));
  return lengths[0] !== lengths.at(-1) && lengths[lengths.length >> 1] > 2 && users.size === lines.length;
}

/** The delimiter: by the kind of file if that decides, else the most frequent one in the first line. */
function findDelimiter(file: string, line: string): string {
  if (/\.(tsv|inter|item)(\.gz)?$/.test(file) && line.includes('\t')) return '\t';
  if (line.includes('::')) return '::';
  const outsideQuotes = line.replace(/"[^"]*"/g, '');
  const count = (delimiter: string) => outsideQuotes.split(delimiter).length;
  const best = [',', '\t', ';', '|'].reduce((a, b) => (count(b) > count(a) ? b : a));
  return count(best) > 1 ? best : ' ';
}

function splitLine(file: string, line: string, delimiter: string, quotes: boolean): string[] {
  if (!quotes) return line.split(delimiter);
  try {
    return parse(line, { delimiter })[0] as unknown as string[];
  } catch (error) {
    throw new InputError(
      `${file}, line 1: ${printable((error as Error).message)}; if quotes are ordinary characters here, say --no-quotes`,
      { cause: error },
    );
  }
}

/**
 * Whether a first line has names that a flag gives, that have RecBole's types, or that are well known. Otherwise a number or a date makes it data, and so
 * do the two words of a line of SASRec's text.
 */
function namesColumns(file: string, fields: readonly string[], named: SourceOptions['named'] = []): boolean {
  if (fields.every((field) => TYPED_NAME.test(field))) return true;
  const columns: Columns = { file, names: fields.map(nameOf), hasHeader: true };
  if (named.some((name) => name !== undefined && !/^\d+$/.test(name) && positionOf(columns.names, name) >= 0))
    return true;
  const known = (role: Role) => guessColumn(columns, role) !== undefined;
  return (known('user') && known('item')) || (known('entry') && known('title'));
}

function nameOf(field: string): string {
  return TYPED_NAME.exec(field)?.[1] ?? field.trim();
}
