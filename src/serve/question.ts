import { InputError } from '../base/errors.js';
import { unknownName } from '../base/options.js';
import { quoted } from '../base/printable.js';
import { MOST_TOP_K } from '../kernels/score/top_k/index.js';
import type { ItemFinder } from '../store/find.js';
import { atLeast } from '../store/titles.js';
import type { KnownUsers } from '../store/users.js';

/** What a question may say about the list that it wants. */
export const LIST_KEYS = ['top', 'exclude', 'only', 'per_category', 'min_popularity', 'min_age'] as const;
/** The keys of a question for recommendations. */
export const QUESTION_KEYS = ['history', 'user', ...LIST_KEYS, 'filter_seen', 'explain', 'why'] as const;
/** The keys of a question for similar items. */
export const SIMILAR_KEYS = ['item', ...LIST_KEYS] as const;

export const MOST_HISTORY = 10_000;
export const MOST_LISTED = 100_000;
export const MOST_COUNT = 1_000_000_000;
export const DEFAULT_TOP = 10;
/** The most texts of a list whose meaning is guessed if no item has them as id or title. Each guess looks at every title. */
const MOST_GUESSES = 16;

/** A text that is no item of the model, and the items that may have been meant. */
export interface UnknownItem {
  readonly text: string;
  readonly nearest: readonly number[];
}

/** Nothing of what was asked for is an item of the model; `unknown` says what it may have meant. */
export class NothingKnown extends InputError {
  constructor(
    key: string,
    hint: string,
    readonly unknown: readonly UnknownItem[],
  ) {
    super(`${key} has no item of this model; ${hint}`);
  }
}

/** The items that may be in an answer. */
export interface ListWish {
  readonly top: number;
  readonly exclude: readonly number[];
  readonly only?: readonly number[];
  readonly perCategory?: number;
}

/** Reads one question: what it says of items and numbers, and which of its texts are unknown. */
export class Question {
  readonly unknown: UnknownItem[] = [];

  /** @throws InputError for a body that is no object, or has a key that is none of `keys` */
  constructor(
    private readonly given: Readonly<Record<string, unknown>>,
    keys: readonly string[],
    private readonly finder: ItemFinder,
  ) {
    if (typeof given !== 'object' || given === null || Array.isArray(given))
      throw new InputError('the body must be an object, such as {"history": [12, 7], "top": 10}');
    const stray = Object.keys(given).find((key) => !keys.includes(key));
    if (stray !== undefined) throw unknownName('key', stray, keys);
  }

  has(key: string): boolean {
    return this.given[key] !== undefined && this.given[key] !== null;
  }

  flag(key: string, fallback: boolean): boolean {
    const value = this.given[key] ?? fallback;
    if (typeof value === 'boolean') return value;
    throw new InputError(`${key} is ${quoted(value)}; it must be true or false`);
  }

  /** @throws InputError for anything but a whole number from `least` to `most` */
  count(key: string, least: number, most: number): number | undefined {
    const value = this.given[key] ?? undefined;
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
    throw new InputError(`${key} is ${quoted(value)}; it must be a whole number from ${least} to ${most}`);
  }

  /** The items of a list; those that are unknown go to `unknown`. */
  items(key: string, most: number): number[] {
    const list = this.given[key];
    if (!Array.isArray(list)) throw new InputError(`${key} must be a list of item ids or titles`);
    if (list.length > most) throw new InputError(`${key} has ${list.length} items; ${most} is the most`);
    let guesses = MOST_GUESSES;
    return list.flatMap((entry: unknown) => {
      const text = textOf(entry);
      if (text === undefined)
        throw new InputError(
          `${key} has ${quoted(entry)}; an item is a number or a text, which is its id or title, or {"item": N} by the model's number`,
        );
      const found = this.finder.find(text, guesses > 0);
      if (found.kind !== 'exact') guesses--;
      if ('item' in found) return [found.item];
      const near = found.kind === 'ambiguous' ? found.items : found.nearest;
      this.unknown.push({ text, nearest: near.slice(0, 5) });
      return [];
    });
  }

  /** The items of a list of which at least one must be known. @throws NothingKnown if none is */
  someItems(key: string, most: number, hint = 'give ids or titles'): number[] {
    const items = this.items(key, most);
    if (items.length === 0) throw new NothingKnown(key, hint, this.unknown);
    return items;
  }

  /** A user's number and all that they did. @throws InputError for one who is not there, or who did nothing that the model knows */
  user(known: KnownUsers): { number: number; history: Uint32Array } {
    const id = this.given.user;
    if (typeof id !== 'string' && typeof id !== 'number')
      throw new InputError(`user is ${quoted(id)}; it must be a user's id in the log, a text or a number`);
    const number = known.place(String(id));
    if (number === undefined) throw new InputError(`user ${quoted(id)} is not in the data`);
    const history = known.histories.at(number);
    if (history.length > 0) return { number, history };
    throw new InputError(`user ${quoted(id)} has no item that the model knows; give a history`);
  }

  /** @throws InputError for a wish that cannot be met, as where no item has a category */
  list(): ListWish {
    const { categories, counts, ages } = this.finder.names;
    const top = this.count('top', 1, MOST_TOP_K) ?? DEFAULT_TOP;
    const exclude = this.has('exclude') ? this.items('exclude', MOST_LISTED) : [];
    let only = this.has('only') ? this.someItems('only', MOST_LISTED) : undefined;
    const least = this.count('min_popularity', 0, MOST_COUNT);
    if (least !== undefined) {
      if (!counts) throw new InputError('min_popularity: how often items occur is not known here; leave it out');
      only = atLeast(least, counts, only);
    }
    const days = this.count('min_age', 0, MOST_COUNT);
    if (days !== undefined) {
      if (!ages) throw new InputError('min_age: no item has an age here; leave it out');
      only = atLeast(days, ages, only);
    }
    const perCategory = this.count('per_category', 1, MOST_COUNT);
    if (perCategory !== undefined && !categories)
      throw new InputError('per_category: no item has a category here; leave it out');
    return { top, exclude, ...(only && { only }), ...(perCategory !== undefined && { perCategory }) };
  }
}

/** What an entry of a list says on a command line: ids and titles as they are, {"item": 12} as #12; undefined for anything else. */
function textOf(entry: unknown): string | undefined {
  if (typeof entry === 'number' || typeof entry === 'string') return String(entry);
  if (typeof entry !== 'object' || entry === null || Object.keys(entry).join() !== 'item') return undefined;
  const { item } = entry as { item: unknown };
  return typeof item === 'number' ? `#${item}` : undefined;
}

const COUNTS: readonly string[] = ['top', 'per_category', 'min_popularity', 'min_age'];
const LISTS: readonly string[] = ['item', 'exclude', 'only'];

/**
 * A question in the query of a URL: `item`, `exclude` and `only` may be there several times. What is no number where one is needed stays a text, so that
 * the error shows it.
 */
export function questionOf(query: URLSearchParams): Record<string, unknown> {
  const entries = Array.from(new Set(query.keys()), (key) => {
    const texts = query.getAll(key);
    if (LISTS.includes(key)) return [key, texts];
    const [text] = texts;
    return [key, COUNTS.includes(key) && /^\d{1,15}$/.test(text) ? Number(text) : text];
  });
  return Object.fromEntries(entries);
}
