import Fuse from 'fuse.js';
import { editDistance } from '../base/edit-distance.js';
import { printable } from '../base/printable.js';
import { BigramIndex } from './bigrams.js';
import type { ItemNames } from './titles.js';

/** Which item a person's words mean. */
export type Found =
  | { readonly kind: 'exact' | 'similar'; readonly item: number }
  /** Several items fit equally well; the likeliest first. */
  | { readonly kind: 'ambiguous'; readonly items: readonly number[] }
  /** None fits, but these have somewhat similar titles. */
  | { readonly kind: 'unknown'; readonly nearest: readonly number[] };

/** A title for comparison: its words without case, accents and punctuation. */
interface Entry {
  readonly item: number;
  readonly title: string;
  readonly words: readonly string[];
  /** Without a remark in brackets at the end, such as a year. */
  readonly plain: readonly string[];
  /** And without articles. */
  readonly core: readonly string[];
}

const ARTICLES = new Set(['a', 'an', 'the']);
const MOST_NEAR = 8;
/** How many entries are compared letter by letter. The time is proportional to them and to the text. */
const MOST_COMPARED = 1000;
/** The most letters of a text whose meaning is guessed. */
const MOST_LETTERS = 200;

/**
 * Finds items by what a person calls them:
 * - the id in the log, if the data was imported from one with other ids; otherwise the number of the item, from 1;
 * - the number with a # before it, always;
 * - the title. Case, punctuation, the place of an article and a year in brackets may differ, words may be missing as long as it stays clear which
 *   item is meant, and letters may be wrong.
 */
export class ItemFinder {
  readonly #byOriginal: ReadonlyMap<string, number>;
  #indexOnce: Index | undefined;

  constructor(
    readonly names: ItemNames,
    readonly numItems: number,
  ) {
    const known = Array.from(names.originals).filter(([item]) => item <= numItems);
    this.#byOriginal = new Map(known.map(([item, original]) => [original, item]));
  }

  /**
   * What the text means.
   * @param guess false finds only exact and similar texts, in a time that does not grow with the catalogue
   */
  find(text: string, guess = true): Found {
    const item = this.#byId(text);
    if (item !== undefined) return { kind: 'exact', item };
    const { words, core } = wordsOf(text);
    if (words.length === 0 || /^#\d+$/.test(text)) return { kind: 'unknown', nearest: [] };
    const { entries, byText, byWords } = this.#index;
    const ofSameText = byText.get(plainText(text));
    if (ofSameText) return decide(ofSameText, 'exact');
    const ofSameWords = new Set([...(byWords.get(keyOf(core)) ?? []), ...(byWords.get(keyOf(words)) ?? [])]);
    if (ofSameWords.size > 0) return decide([...ofSameWords], 'similar');
    if (!guess || text.length > MOST_LETTERS || /^\d+$/.test(text)) return { kind: 'unknown', nearest: [] }; // an unknown id resembles many titles
    const holding = entries.filter((entry) => words.every((word) => entry.words.includes(word)));
    if (holding.length > 0) return decide(holding, 'similar');
    const near = this.#resembling(words);
    const misspelt = nearest(near, words, core);
    if (misspelt.length > 0) return decide(misspelt, 'similar');
    return { kind: 'unknown', nearest: near.map((entry) => entry.item) };
  }

  /**
   * The items that a text lists: separated by semicolons or line ends; by spaces or commas where that gives ids only, of which most are
   * known.
   */
  split(text: string): string[] {
    const isTitle = (part: string) =>
      this.#index.byText.get(plainText(part))?.some(({ title }) => title.trim() === part);
    const parts = isTitle(text.trim()) ? [text.trim()] : text.split(/[;\n]/).map((part) => part.trim());
    return parts.filter(Boolean).flatMap((part) => {
      const tokens = part.split(/[\s,]+/).filter(Boolean);
      if (tokens.every((token) => /^#?\d+$/.test(token))) return tokens;
      if (isTitle(part)) return [part];
      const known = tokens.filter((token) => this.#byId(token) !== undefined).length;
      return this.names.originals.size > 0 && known > tokens.length / 2 ? tokens : [part];
    });
  }

  /**
   * Items for someone who is still typing: the item of that id first, then titles by how well they match (all of the title, its beginning, words of it,
   * beginnings of words) and, where they match alike, by popularity; then ids that begin so, of items without a title. Where nothing fits, similar titles.
   * For an empty text, the most popular items. Where popularity is unknown, short titles come first.
   */
  search(text: string, limit: number): number[] {
    const typed = text.trim().slice(0, MOST_LETTERS);
    const found = new Set<number>();
    const item = this.#byId(typed);
    if (item !== undefined) found.add(item);
    if (typed === '') return this.#mostPopular(limit);
    const { entries } = this.#index;
    const { words, core } = wordsOf(typed);
    if (words.length > 0) {
      const matches = entries.map((entry) => ({ entry, match: matchOf(entry, words, core) }));
      const fitting = matches.filter(({ match }) => match < NO_MATCH);
      fitting.sort(
        (a, b) => a.match - b.match || this.#byPopularity(a.entry.item, b.entry.item) || shorterFirst(a.entry, b.entry),
      );
      for (const { entry } of fitting) found.add(entry.item);
    }
    for (const other of this.#idsBeginning(typed.toLowerCase())) found.add(other);
    if (found.size === 0 && words.length > 0) for (const entry of this.#resembling(words)) found.add(entry.item);
    return [...found].slice(0, limit);
  }

  /** How to name an item so that `find` finds it, and its title: `12 "Toy Story (1995)"`. */
  describe(item: number): string {
    const original = this.names.originals.get(item);
    const title = this.names.titles.get(item);
    const id = original ?? String(item);
    return printable(title === undefined || title === original ? id : `${id} ${JSON.stringify(title)}`);
  }

  /** Made on first use: ids do not need it. */
  get #index(): Index {
    this.#indexOnce ??= indexOf(
      Array.from(this.names.titles)
        .filter(([item]) => item <= this.numItems)
        .map(([item, title]) => ({ item, title, ...wordsOf(title) })),
    );
    return this.#indexOnce;
  }

  /** The most popular first; 0 for items that are equally popular, or where popularity is unknown. */
  #byPopularity(a: number, b: number): number {
    const { counts } = this.names;
    return (counts?.get(b) ?? 0) - (counts?.get(a) ?? 0);
  }

  #mostPopular(limit: number): number[] {
    const items = Array.from({ length: this.numItems }, (_, i) => i + 1);
    if (this.names.counts) items.sort((a, b) => this.#byPopularity(a, b));
    return items.slice(0, limit);
  }

  /** Items without a title whose id begins so, the most popular first, then the shortest ids. */
  #idsBeginning(text: string): number[] {
    const { titles, originals } = this.names;
    const fitting: { item: number; id: string }[] = [];
    for (let item = 1; item <= this.numItems; item++) {
      const id = originals.get(item) ?? String(item);
      if (!titles.has(item) && id.toLowerCase().startsWith(text)) fitting.push({ item, id });
    }
    fitting.sort((a, b) => this.#byPopularity(a.item, b.item) || a.id.length - b.id.length || a.item - b.item);
    return fitting.map(({ item }) => item);
  }

  #resembling(words: readonly string[]): Entry[] {
    const { entries, bigrams } = this.#index;
    const likest = bigrams()
      .likest(words, MOST_COMPARED)
      .map((i) => entries[i]);
    const fuse = new Fuse(likest, {
      keys: [{ name: 'words', getFn: (entry: Entry) => entry.words.join(' ') }],
      useTokenSearch: true,
      tokenMatch: 'all',
      threshold: 0.4,
    });
    return fuse.search(words.join(' '), { limit: MOST_NEAR }).map(({ item }) => item);
  }

  #byId(text: string): number | undefined {
    const original = this.#byOriginal.get(text);
    if (original !== undefined) return original;
    const number = (this.#byOriginal.size > 0 ? /^#(\d+)$/ : /^#?(\d+)$/).exec(text)?.[1];
    return number !== undefined && Number(number) >= 1 && Number(number) <= this.numItems ? Number(number) : undefined;
  }
}

/** Titles by the keys that are looked up. */
interface Index {
  readonly entries: readonly Entry[];
  /** By `plainText` of the title. */
  readonly byText: ReadonlyMap<string, readonly Entry[]>;
  /** By `keyOf` of all words, and of the core. */
  readonly byWords: ReadonlyMap<string, readonly Entry[]>;
  /** Made for the first guess. */
  readonly bigrams: () => BigramIndex;
}

function indexOf(entries: readonly Entry[]): Index {
  const byText = new Map<string, Entry[]>();
  const byWords = new Map<string, Entry[]>();
  for (const entry of entries) {
    append(byText, plainText(entry.title), entry);
    for (const key of new Set([keyOf(entry.core), keyOf(entry.words)])) append(byWords, key, entry);
  }
  let bigrams: BigramIndex | undefined;
  return { entries, byText, byWords, bigrams: () => (bigrams ??= new BigramIndex(entries.map(({ words }) => words))) };
}

function append<T>(lists: Map<string, T[]>, key: string, value: T): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}

function plainText(text: string): string {
  return text.trim().toLowerCase();
}

/** A key that is the same for the same words in any order. */
function keyOf(words: readonly string[]): string {
  return `${words.length} ${[...new Set(words)].sort().join(' ')}`;
}

/** A single item is found; among several, the shortest title is the likeliest. */
function decide(entries: readonly Entry[], kind: 'exact' | 'similar'): Found {
  if (entries.length === 1) return { kind, item: entries[0].item };
  const sorted = entries.toSorted(shorterFirst);
  return { kind: 'ambiguous', items: sorted.map(({ item }) => item) };
}

function shorterFirst(a: Entry, b: Entry): number {
  return a.title.length - b.title.length || a.item - b.item;
}

const NO_MATCH = 4;

/** How well a title matches what has been typed of it: 0 all of it, 1 its beginning, 2 words of it, 3 beginnings of words. */
function matchOf(entry: Entry, words: readonly string[], core: readonly string[]): number {
  const begins = core.every((word, i) =>
    i < core.length - 1 ? entry.core[i] === word : entry.core[i]?.startsWith(word),
  );
  const same = (a: readonly string[], b: readonly string[]) =>
    a.length === b.length && a.every((word, i) => word === b[i]);
  if (same(entry.core, core) || same(entry.words, words)) return 0;
  if (begins) return 1;
  if (words.every((word) => entry.words.includes(word))) return 2;
  return words.every((word) => entry.words.some((other) => other.startsWith(word))) ? 3 : NO_MATCH;
}

/** Those of the smallest edit distance, if it is at most a quarter of the letters, comparing words in order or sorted. */
function nearest(entries: readonly Entry[], words: readonly string[], core: readonly string[]): Entry[] {
  const sorted = (list: readonly string[]) => list.toSorted().join(' ');
  const distances = entries.map((entry) =>
    Math.min(editDistance(entry.core.join(' '), core.join(' ')), editDistance(sorted(entry.plain), sorted(words))),
  );
  const least = Math.min(...distances);
  return least <= words.join(' ').length / 4 ? entries.filter((_, i) => distances[i] === least) : [];
}

function wordsOf(text: string): Omit<Entry, 'item' | 'title'> {
  const split = (part: string) =>
    part
      .normalize('NFKD')
      .replace(/\p{M}/gu, '')
      .toLowerCase()
      .split(/[^\p{L}\p{N}]+/u)
      .filter(Boolean);
  const words = split(text);
  const outside = split(withoutRemark(text));
  const plain = outside.length > 0 ? outside : words;
  const core = plain.filter((word) => !ARTICLES.has(word));
  return { words, plain, core: core.length > 0 ? core : plain };
}

/** A text without a remark in brackets at its end. */
function withoutRemark(text: string): string {
  const end = text.trimEnd();
  const open = end.endsWith(')') ? end.indexOf('(', end.lastIndexOf(')', end.length - 2) + 1) : -1;
  return open < 0 ? text : end.slice(0, open);
}
