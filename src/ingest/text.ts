import { parse } from 'csv-parse/sync';
import { InputError } from '../base/errors.js';
import { printable, quoted } from '../base/printable.js';
import { type Columns, guessColumn, positionOf, type Role } from './columns.js';
import { literal } from './database.js';
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

/** In no text: what a file is read by when each line is to be one field. */
const NO_DELIMITER = '\x1f';

/**
 * Delimited text with or without a header, or a sequence a line.
 * @param text the beginning of the file, decoded
 * @throws InputError naming file and line
 */
export function textSource(file: string, path: string, text: string, options: SourceOptions): Source {
  const [line = ''] = text.split('\n', 1).map((first) => first.replace(/\r$/, ''));
  if (line.trim() === '') throw new InputError(`${file}, line 1 is empty; it must hold the names of columns, or data`);
  const delimiter = findDelimiter(file, line);
  if (options.sequences ?? areSequences(text, delimiter)) return sequenceSource(file, path, delimiter);
  const quotes = options.quotes ?? (/^[,;\t]$/.test(delimiter) && !/\.(inter|item)(\.gz)?$/.test(file));
  const fields = splitLine(file, line, delimiter, quotes);
  if (fields.length < 2)
    throw new InputError(
      `${file}, line 1: ${quoted(line.slice(0, 80))} is one column; separate columns by comma, tab, semicolon, | or ::`,
    );
  const names = fields.map((field) => TYPED_NAME.exec(field)?.[1] ?? field.trim());
  const hasHeader =
    options.header ?? looksLikeHeader({ file, names, hasHeader: true }, fields, delimiter, options.named ?? []);
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

/** A user and their items in a line become a row for each item; a user without items has one whose item is missing. */
function sequenceSource(file: string, path: string, delimiter: string): Source {
  const lines = readCsv(
    path,
    `delim = '${NO_DELIMITER}', quote = '', escape = '', header = false, columns = {'line': 'VARCHAR'}`,
  );
  const separator = delimiter.trim() === '' ? '\\s+' : `[\\s${delimiter.replace('::', ':')}]+`;
  const words = `string_split_regex(trim(line, E' \\t'), ${literal(separator)}) AS words ${lines} WHERE trim(line, E' \\t') <> ''`;
  return {
    file,
    path,
    format: 'sequences',
    about: 'a sequence a line, a user and then their items, oldest first',
    names: ['user', 'item'],
    hasHeader: false,
    quoted: false,
    from: `FROM (SELECT words[1] AS c0, unnest(CASE WHEN len(words) > 1 THEN words[2:] ELSE [NULL] END) AS c1 FROM (SELECT ${words}))`,
    types: ['VARCHAR', 'VARCHAR'],
    expressions: ['c0', 'c1'],
    notes: [],
  };
}

/**
 * Whether lines are a user and then their items: of different lengths, mostly of more than an item, and each with a user of its own. A log of
 * pairs with a word too many somewhere is not one: its users come again.
 */
function areSequences(text: string, delimiter: string): boolean {
  if (delimiter !== ' ' && delimiter !== '\t') return false;
  const lines = text
    .split('\n')
    .slice(0, -1)
    .filter((line) => line.trim() !== '');
  const words = lines.map((line) => line.trim().split(delimiter === ' ' ? /\s+/ : delimiter));
  const lengths = words.map(({ length }) => length).sort((a, b) => a - b);
  const users = new Set(words.map(([user]) => user));
  return lengths[0] !== lengths.at(-1) && lengths[lengths.length >> 1] > 2 && users.size === lines.length;
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

function splitLine(file: string, line: string, delimiter: string, quotes: boolean): string[] {
  if (!quotes) return line.split(delimiter);
  try {
    return parse(line, { delimiter })[0] as unknown as string[];
  } catch (error) {
    throw new InputError(
      `${file}, line 1: ${printable((error as Error).message)}; if quotes are signs like others here, say --no-quotes`,
      { cause: error },
    );
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
