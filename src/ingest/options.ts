import { InputError } from '../base/errors.js';
import { unknownName } from '../base/options.js';
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

const KEYS = {
  ...{ files: 0, out: 0, force: 0, memoryLimit: 0, signal: 0, onProgress: 0, titles: 0 },
  ...{ userCol: 0, itemCol: 0, timeCol: 0, ratingCol: 0, eventCol: 0, events: 0, time: 0, timeFormat: 0 },
  ...{ header: 0, quotes: 0, sequences: 0, dropIncomplete: 0, encoding: 0 },
  ...{ minRating: 0, duplicates: 0, minUserInteractions: 0, minItemInteractions: 0 },
  ...{ split: 0, valUsers: 0, valSeed: 0, testFrom: 0, valFrom: 0, train: 0, val: 0, test: 0, unseenItems: 0 },
} satisfies Record<keyof ImportOptions, 0>;

/** A check that a value is one of these. */
const CHOICES = { duplicates: DUPLICATES, split: SPLITS, unseenItems: UNSEEN_ITEMS } as const;
const LISTS = ['files', 'train', 'val', 'test', 'events'] as const;

/** Checks the options of programs that no compiler has checked. @throws InputError on an unknown key or a value of another type */
function checkShape(options: Partial<ImportOptions>): void {
  const known = Object.keys(KEYS);
  for (const key of Object.keys(options))
    if (!known.includes(key)) throw unknownName('option of an import', key, known);
  for (const [key, choices] of Object.entries(CHOICES)) {
    const value = options[key as keyof typeof CHOICES];
    if (value !== undefined && !(choices as readonly string[]).includes(value))
      throw new InputError(`${key} is ${quoted(value)}; it must be one of ${choices.join(', ')}`);
  }
  for (const key of LISTS) {
    const value = options[key];
    if (value !== undefined && !(Array.isArray(value) && value.every((text) => typeof text === 'string')))
      throw new InputError(`${key} is ${quoted(value)}; it must be a list of texts`);
  }
}

/** @throws InputError on options for reading that contradict each other or need another one */
export function checkReadOptions(options: Partial<ImportOptions>): void {
  checkShape(options);
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
