import { InputError } from '../base/errors.js';
import { checkValue, type Domain, unknownName } from '../base/options.js';
import { printable, quoted } from '../base/printable.js';
import { encodingNamed } from './encoding.js';

export const DUPLICATES = ['keep', 'first', 'last'] as const;
export const SPLITS = ['leave-one-out', 'time', 'given'] as const;
export const UNSEEN_ITEMS = ['keep', 'drop'] as const;

const SIZE = /^\d+(\.\d+)?\s*[KMGT]i?B$/i;

/** How to read the text of a log. Everything that is not given is guessed. */
export interface ReadOptions {
  /** The name of a column, or its number from 1. `user.id` is inside an object `user`. */
  readonly userCol?: string;
  readonly itemCol?: string;
  readonly timeCol?: string;
  readonly ratingCol?: string;
  /** The column with the kind of each event. */
  readonly eventCol?: string;
  /** Kinds of events that count; all by default. */
  readonly events?: readonly string[];
  /** Leaves out rows without a user or an item. */
  readonly dropIncomplete?: boolean;
  /** False if the order of the log counts, even if a column looks like a time. */
  readonly time?: boolean;
  /** Whether the first line names the columns. */
  readonly header?: boolean;
  /** False if quotes are ordinary characters, which is the default in RecBole's files and in text separated by spaces, | or ::. */
  readonly quotes?: boolean;
  /** Whether each line holds a user and then the user's items, oldest first. */
  readonly sequences?: boolean;
  /** The format of times, as for strptime: `%d/%m/%Y %H:%M`. By default numbers, or ISO 8601. */
  readonly timeFormat?: string;
  /** A name from the WHATWG's Encoding Standard, such as `windows-1252`, or `mixed`: each line in UTF-8 or else in Windows-1252. */
  readonly encoding?: string;
}

/** A table of titles. */
export interface TitleOptions {
  readonly file: string;
  readonly idCol?: string;
  readonly titleCol?: string;
  readonly categoryCol?: string;
  /** Guessed if left out. */
  readonly encoding?: string;
  readonly quotes?: boolean;
}

export interface ImportOptions extends ReadOptions {
  /** Logs: files or globs, read in this order. Empty with the split `given`. */
  readonly files?: readonly string[];
  /** Folder to write. */
  readonly out: string;
  /** Leaves out interactions with a lower rating. */
  readonly minRating?: number;
  /** Which of a user's interactions with the same item to keep; all by default. */
  readonly duplicates?: (typeof DUPLICATES)[number];
  /** The least interactions of a user and of an item, applied until all have them; 1 by default. */
  readonly minUserInteractions?: number;
  readonly minItemInteractions?: number;
  /** Leave-one-out by default. */
  readonly split?: (typeof SPLITS)[number];
  /** Leave-one-out: how many users are for validation, drawn as in the official code; every user by default. */
  readonly valUsers?: number;
  /** The seed of that draw; 42 by default, as in the official code. */
  readonly valSeed?: number;
  /** Split by time: a date, or a number as in the log, from which interactions are for testing. */
  readonly testFrom?: string;
  /** Split by time: from when interactions are not for training; the last tenth before `testFrom` by default. */
  readonly valFrom?: string;
  /** Split `given`: files or globs of each part. */
  readonly train?: readonly string[];
  readonly val?: readonly string[];
  readonly test?: readonly string[];
  /** What to do with held-out items that training never sees; by default `drop` in a split by time, else `keep`. */
  readonly unseenItems?: (typeof UNSEEN_ITEMS)[number];
  readonly titles?: TitleOptions;
  /** Replaces a dataset in `out`. */
  readonly force?: boolean;
  /** DuckDB's memory limit, such as `2GB`. What does not fit goes to disk beside `out`. 1GB by default. */
  readonly memoryLimit?: string;
  readonly signal?: AbortSignal;
  /** Called with each stage as it begins. */
  readonly onProgress?: (step: string) => void;
}

/** What the value of an option may be. */
type Shape = Domain | 'text' | 'texts' | 'any';

const flag: Shape = { type: 'boolean' };
const count: Shape = { type: 'integer', min: 1 };
const oneOf = (choices: readonly string[]): Shape => ({ type: 'choice', choices });

const TITLE_SHAPES: Record<keyof TitleOptions, Shape> = {
  file: 'text',
  idCol: 'text',
  titleCol: 'text',
  categoryCol: 'text',
  encoding: 'text',
  quotes: flag,
};

const SHAPES: Record<keyof ImportOptions, Shape> = {
  files: 'texts',
  out: 'text',
  force: flag,
  memoryLimit: 'text',
  signal: 'any',
  onProgress: 'any',
  titles: 'any',
  userCol: 'text',
  itemCol: 'text',
  timeCol: 'text',
  ratingCol: 'text',
  eventCol: 'text',
  events: 'texts',
  time: flag,
  timeFormat: 'text',
  header: flag,
  quotes: flag,
  sequences: flag,
  dropIncomplete: flag,
  encoding: 'text',
  minRating: { type: 'number' },
  duplicates: oneOf(DUPLICATES),
  minUserInteractions: count,
  minItemInteractions: count,
  split: oneOf(SPLITS),
  valUsers: count,
  valSeed: { type: 'integer', min: 0, max: 2 ** 32 - 1 },
  testFrom: 'text',
  valFrom: 'text',
  train: 'texts',
  val: 'texts',
  test: 'texts',
  unseenItems: oneOf(UNSEEN_ITEMS),
};

/** Checks the options of programs that no compiler has checked. @throws InputError on an unknown key or a value of another type */
function checkShapes(options: object, shapes: Readonly<Record<string, Shape>>, what: string): void {
  const known = Object.keys(shapes);
  for (const [key, value] of Object.entries(options)) {
    if (!known.includes(key)) throw unknownName(`option of ${what}`, key, known);
    if (value !== undefined) checkShape(key, value, shapes[key], `options of ${what}`);
  }
}

function checkShape(key: string, value: unknown, shape: Shape, source: string): void {
  if (typeof shape === 'object') checkValue(key, value, shape, source);
  const isText = (one: unknown) => typeof one === 'string';
  if (shape === 'text' && !isText(value))
    throw new InputError(`${source}: ${key} is ${quoted(value)}; it must be a text`);
  if (shape === 'texts' && !(Array.isArray(value) && value.every(isText)))
    throw new InputError(`${source}: ${key} is ${quoted(value)}; it must be a list of texts`);
}

function checkTitles(titles: TitleOptions): void {
  if (typeof titles !== 'object' || titles?.file === undefined)
    throw new InputError(`titles is ${quoted(titles)}; it must be an object with the file of the titles`);
  checkShapes(titles, TITLE_SHAPES, 'titles');
}

/** @throws InputError on options for reading that contradict each other or need another one */
export function checkReadOptions(options: Partial<ImportOptions>): void {
  checkShapes(options, SHAPES, 'an import');
  if (options.titles !== undefined) checkTitles(options.titles);
  if (options.encoding !== undefined) encodingNamed(options.encoding);
  if (options.time === false && options.timeCol !== undefined)
    throw new InputError('--time-col and --no-time contradict each other; leave one out');
  if (options.eventCol !== undefined && options.events === undefined)
    throw new InputError(`--event-col ${printable(options.eventCol)} goes with --events, the kinds that count`);
  if (options.memoryLimit !== undefined && !SIZE.test(options.memoryLimit))
    throw new InputError(`--memory-limit ${printable(options.memoryLimit)} is not a size; give it as 500MB or 2GB`);
}

/** @throws InputError on options that contradict each other or need another one */
export function checkOptions(options: ImportOptions): void {
  const { files = [], split = 'leave-one-out', train, val, test } = options;
  const given = [train, val, test];
  checkReadOptions(options);
  if (options.out === undefined) throw new InputError('out is missing; name the folder to write');
  if (split === 'given') {
    if (given.some((part) => !part?.length))
      throw new InputError('--split given needs --train, --val and --test files');
    if (files.length > 0)
      throw new InputError(`--split given reads --train, --val and --test only; leave out ${files[0]}`);
    const changes = { '--duplicates': options.duplicates, '--val-users': options.valUsers };
    for (const [flag, value] of Object.entries({ ...changes, ...coreFlags(options) }))
      if (value !== undefined) throw new InputError(`${flag} would change a ready-made split; leave it out`);
  } else {
    if (files.length === 0) throw new InputError('name the files to import');
    if (given.some(Boolean)) throw new InputError('--train, --val and --test go with --split given');
  }
  if (split === 'time' && options.testFrom === undefined)
    throw new InputError('--split time needs --test-from: a date such as 2011-11-01, or a number as in the log');
  if (split !== 'time' && (options.testFrom ?? options.valFrom) !== undefined)
    throw new InputError('--test-from and --val-from go with --split time');
  if (split !== 'leave-one-out' && options.valUsers !== undefined)
    throw new InputError('--val-users goes with --split leave-one-out');
  if (split === 'leave-one-out' && options.unseenItems === 'drop')
    throw new InputError('--unseen-items drop goes with --split time or given; leave-one-out holds out what came last');
}

function coreFlags({ minUserInteractions, minItemInteractions }: ImportOptions) {
  return { '--min-user-interactions': minUserInteractions, '--min-item-interactions': minItemInteractions };
}
