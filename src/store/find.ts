import Fuse from 'fuse.js';
import { editDistance } from '../base/edit-distance.js';
import { printable } from '../base/printable.js';
import type { ItemNames } from './titles.js';

/** What a person's words for an item mean. */
export type Found =
  | { readonly kind: 'exact' | 'similar'; readonly item: number }
  /** Several items are meant as well as any; the likeliest first. */
  | { readonly kind: 'ambiguous'; readonly items: readonly number[] }
  /** None is meant, but these have titles somewhat like it. */
  | { readonly kind: 'unknown'; readonly nearest: readonly number[] };

/** A title as it is compared: its words without case, accents and punctuation. */
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

/**
 * Finds items by what a person calls them: the id in the log, where the data was imported from one with other ids; the number of the
 * item, from 1, elsewhere, and always with a # before it; or the title, of which case, punctuation, the place of an article and a year in
 * brackets may differ, some words may be left out while it stays clear which is meant, and letters may be wrong.
 */
export class ItemFinder {
  readonly #byOriginal: ReadonlyMap<string, number>;
  #entriesOnce: readonly Entry[] | undefined;
  #fuse: Fuse<Entry> | undefined;

  constructor(
    readonly names: ItemNames,
    readonly numItems: number,
  ) {
    const known = Array.from(names.originals).filter(([item]) => item <= numItems);
    this.#byOriginal = new Map(known.map(([item, original]) => [original, item]));
  }

  /** What the text means. */
  find(text: string): Found {
    const item = this.#byId(text);
    if (item !== undefined) return { kind: 'exact', item };
    const { words, core } = wordsOf(text);
    if (words.length === 0 || /^#\d+$/.test(text)) return { kind: 'unknown', nearest: [] };
    const ofSameText = this.#entries.filter(({ title }) => title.trim().toLowerCase() === text.toLowerCase());
    if (ofSameText.length > 0) return decide(ofSameText, 'exact');
    const ofSameWords = this.#entries.filter((entry) => sameSet(entry.core, core) || sameSet(entry.words, words));
    if (ofSameWords.length > 0) return decide(ofSameWords, 'similar');
    if (/^\d+$/.test(text)) return { kind: 'unknown', nearest: [] }; // an id that is none resembles many titles
    const holding = this.#entries.filter((entry) => words.every((word) => entry.words.includes(word)));
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
    const isTitle = (part: string) => this.#entries.some(({ title }) => title.trim() === part);
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
   * Items for someone who is still typing: the one of that id first, then titles that have all the words or their beginnings, the
   * shortest first, then titles like it. Without any text, the first items.
   */
  search(text: string, limit: number): number[] {
    const found = new Set<number>();
    const item = this.#byId(text.trim());
    if (item !== undefined) found.add(item);
    const { words } = wordsOf(text);
    const fits = (entry: Entry) => words.every((word) => entry.words.some((other) => other.startsWith(word)));
    const shortest = (a: Entry, b: Entry) => a.title.length - b.title.length || a.item - b.item;
    const beginning = this.#entries.filter(fits);
    for (const entry of words.length > 0 ? beginning.sort(shortest) : beginning) found.add(entry.item);
    if (found.size < limit && words.length > 0) for (const entry of this.#resembling(words)) found.add(entry.item);
    if (this.#entries.length === 0 && text.trim() === '')
      for (let i = 1; i <= Math.min(limit, this.numItems); i++) found.add(i);
    return [...found].slice(0, limit);
  }

  /** How to name an item so that `find` finds it, and its title: `12 "Toy Story (1995)"`. */
  describe(item: number): string {
    const original = this.names.originals.get(item);
    const title = this.names.titles.get(item);
    const id = original ?? String(item);
    return printable(title === undefined || title === original ? id : `${id} ${JSON.stringify(title)}`);
  }

  /** Made when first asked for: ids need none of it. */
  get #entries(): readonly Entry[] {
    this.#entriesOnce ??= Array.from(this.names.titles)
      .filter(([item]) => item <= this.numItems)
      .map(([item, title]) => ({ item, title, ...wordsOf(title) }));
    return this.#entriesOnce;
  }

  #resembling(words: readonly string[]): Entry[] {
    this.#fuse ??= new Fuse(this.#entries, {
      keys: [{ name: 'words', getFn: (entry: Entry) => entry.words.join(' ') }],
      useTokenSearch: true,
      tokenMatch: 'all',
      threshold: 0.4,
    });
    return this.#fuse.search(words.join(' '), { limit: MOST_NEAR }).map(({ item }) => item);
  }

  #byId(text: string): number | undefined {
    const original = this.#byOriginal.get(text);
    if (original !== undefined) return original;
    const number = (this.#byOriginal.size > 0 ? /^#(\d+)$/ : /^#?(\d+)$/).exec(text)?.[1];
    return number !== undefined && Number(number) >= 1 && Number(number) <= this.numItems ? Number(number) : undefined;
  }
}

/** One item is found; among several the shortest title is the likeliest. */
function decide(entries: readonly Entry[], kind: 'exact' | 'similar'): Found {
  if (entries.length === 1) return { kind, item: entries[0].item };
  const sorted = entries.toSorted((a, b) => a.title.length - b.title.length || a.item - b.item);
  return { kind: 'ambiguous', items: sorted.map(({ item }) => item) };
}

/** Those of the least edit distance, if that is at most a quarter of the letters: the words in order, or sorted. */
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
  const outside = split(text.replace(/\([^)]*\)\s*$/, ''));
  const plain = outside.length > 0 ? outside : words;
  const core = plain.filter((word) => !ARTICLES.has(word));
  return { words, plain, core: core.length > 0 ? core : plain };
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((word) => b.includes(word)) && b.every((word) => a.includes(word));
}
