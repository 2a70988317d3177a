import { InputError } from '../base/errors.js';
import { seenBits, seenWords } from '../data/batches.js';
import type { Split } from '../data/dataset.js';
import type { Ranking } from '../data/rank.js';
import { MOST_TOP_K } from '../kernels/score/top_k/index.js';
import type { Recommendation, TopBatch } from './answers.js';
import { type CategoryLimit, withinCategories } from './per-category.js';

/** Item ids, oldest first. Only the last few may count, but all of them are left out where seen items are. */
export type History = ArrayLike<number>;

/** How the users of a split are ranked. */
export interface RankOptions {
  /** Leave the items of the history out of the ranking, as is the default. */
  readonly filterRated?: boolean;
  /** Best items to name of each user, 0 … 512 and at most the catalogue; none by default. */
  readonly top?: number;
  /** Aborting it ends the work before the next batch. */
  readonly signal?: AbortSignal;
  /** After each batch, how many users are done and of how many. */
  readonly onProgress?: (done: number, users: number) => void;
}

/** Which items are wanted. */
export interface ListOptions {
  /** How many items a list, 1 to 512, by default 10; fewer are returned where fewer remain. */
  readonly top?: number;
  /** Items that are in no list. */
  readonly exclude?: readonly number[];
  /** The only items that may be in a list; all by default. */
  readonly only?: Iterable<number>;
  /** At most so many items of a category in a list. */
  readonly perCategory?: CategoryLimit;
  /** Aborting it ends the work before the next batch. */
  readonly signal?: AbortSignal;
}

/** What is recommended. */
export interface TopOptions extends ListOptions {
  /** Leave the items of the history out, as is the default. */
  readonly filterRated?: boolean;
  /** For each history the items that are not recommended after it. */
  readonly excludeEach?: readonly (readonly number[])[];
  /** For each history the only items that may be recommended after it; all where it has none. */
  readonly onlyEach?: readonly (Iterable<number> | undefined)[];
  /** For each history the line of `train` that is its user's, where that is known: some recommenders know users. */
  readonly users?: ArrayLike<number | undefined>;
}

const DEFAULT_TOP = 10;

/**
 * Whatever ranks the items of a catalogue by what a user had before: trained models, popularity, counts of transitions. Evaluation,
 * reports and the service know no more of a model than this.
 */
export abstract class Recommender {
  /** As tables and reports show it. */
  abstract readonly name: string;
  /** N; items are 1..N. */
  abstract readonly numItems: number;
  /** How many of a history's latest items count; 0 where all histories are answered alike. */
  abstract readonly window: number;
  /** What its scores are, in a sentence. */
  abstract readonly meaning: string;
  /** The GPU that it computes on; left out for what the host computes. */
  readonly adapter?: string;
  /** The probability of an item that has this score to be the next; left out where scores only order items. */
  readonly probability?: ((score: number) => number) | undefined;
  /**
   * How much each of a history's last `window` items counts for what is recommended after it: weights that sum to 1. Left out where
   * nothing tells. All histories are answered at once: hundreds of them, not millions.
   * @throws InputError as `top`
   */
  readonly explain?: ((histories: readonly History[]) => Promise<Float32Array[]>) | undefined;

  /**
   * Ranks the whole catalogue for each user of a split.
   * @throws whatever the signal was aborted with
   */
  abstract rank(split: Split, options?: RankOptions): Promise<Ranking>;

  /** The best items of each history, best first; fewer where fewer remain. */
  protected abstract best(batch: TopBatch): Promise<Recommendation[][]>;

  /** Histories that `best` takes at once. */
  protected abstract readonly batchRows: number;

  /** The items most like the one item of each history, by what the recommender knows of items; left out where it knows nothing. */
  protected readonly nearest?: ((batch: TopBatch) => Promise<Recommendation[][]>) | undefined;

  /**
   * The items expected next, best first, for any histories: they need not be in the training data.
   * @throws InputError for an empty history, an id out of 1..N or a `top` that is not 1..512; whatever the signal was aborted with
   */
  async top(histories: readonly History[], options: TopOptions = {}): Promise<Recommendation[][]> {
    for (const [i, history] of histories.entries()) checkHistory(history, i, this.numItems);
    const lists: Recommendation[][] = [];
    for await (const batch of this.batches(histories, options)) lists.push(...batch);
    return lists;
  }

  /**
   * What `top` gives, batch by batch in the order of the histories, for more of them than memory would hold the answers to. A batch
   * is computed when the iterator reaches it.
   * @throws as `top`, for a bad history when the iterator reaches its batch
   */
  async *batches(histories: Iterable<History>, options: TopOptions = {}): AsyncGenerator<Recommendation[][]> {
    const { probability } = this;
    for await (const lists of this.#lists(histories, options, (batch) => this.best(batch))) {
      if (probability) for (const list of lists) for (const one of list) one.probability = probability(one.score);
      yield lists;
    }
  }

  /**
   * The items most like each of these, the likest first, never itself; of a trained model by the cosine of their vectors in the table that
   * scores are taken with, which is the `score`.
   * @throws InputError for a recommender that knows nothing of items; else as `top`
   */
  async similar(items: readonly number[], options: ListOptions = {}): Promise<Recommendation[][]> {
    const { nearest } = this;
    if (!nearest)
      throw new InputError(`${this.name} has no vectors of items that could be compared; name a trained model`);
    const ofOne = items.map((item) => [checkItem(item, 'items', this.numItems)]);
    const lists: Recommendation[][] = [];
    for await (const batch of this.#lists(ofOne, options, nearest)) lists.push(...batch);
    return lists;
  }

  async *#lists(
    histories: Iterable<History>,
    options: TopOptions,
    best: (batch: TopBatch) => Promise<Recommendation[][]>,
  ): AsyncGenerator<Recommendation[][]> {
    const { top = DEFAULT_TOP, filterRated = true, exclude = [], excludeEach = [], users = [] } = options;
    const { only, onlyEach = [], perCategory, signal } = options;
    const { numItems } = this;
    if (!Number.isInteger(top) || top < 1 || top > MOST_TOP_K) {
      throw new InputError(`top is ${top}; it must be a whole number from 1 to ${MOST_TOP_K}`);
    }
    const words = seenWords(numItems);
    const checked = (items: Iterable<number>, what: string) =>
      Array.from(items, (item) => checkItem(item, what, numItems));
    const allBut = (items: Iterable<number>, what: string) =>
      seenBits([checked(items, what)], numItems).map((bits) => ~bits);
    const outForAll = seenBits([checked(exclude, 'exclude')], numItems);
    if (only) unite(outForAll, 0, allBut(only, 'only'));
    let done = 0;
    for (const chunk of chunks(histories, this.batchRows)) {
      signal?.throwIfAborted();
      const rows = chunk.map((history, i) => Uint32Array.from(checkHistory(history, done + i, numItems)));
      const out = rows.map((history, i) => {
        const own = checked(excludeEach[done + i] ?? [], `excludeEach ${done + i + 1}`);
        return filterRated ? [...history, ...own] : own;
      });
      const excluded = seenBits(out, numItems);
      for (const row of rows.keys()) {
        if (only || exclude.length > 0) unite(excluded, row * words, outForAll);
        const allowed = onlyEach[done + row];
        if (allowed) unite(excluded, row * words, allBut(allowed, `onlyEach ${done + row + 1}`));
      }
      const of = rows.map((_, i) => users[done + i]);
      const batch = { histories: rows, users: of, excluded, top: Math.min(top, numItems) };
      yield perCategory ? await withinCategories(batch, perCategory, numItems, best) : await best(batch);
      done += rows.length;
    }
  }

  /** @throws what stands in the way of an answer, such as a lost device */
  check(): void {}

  /** Gives its memory on the device back. Whatever asks it afterwards throws a GsasError. */
  release(): void {}
}

/** Adds bits to those from word `at` on. */
function unite(bits: Uint32Array, at: number, more: Uint32Array): void {
  for (let i = 0; i < more.length; i++) bits[at + i] |= more[i];
}

function* chunks<T>(values: Iterable<T>, size: number): Generator<T[]> {
  let chunk: T[] = [];
  for (const value of values) {
    chunk.push(value);
    if (chunk.length < size) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

/** @throws InputError where it is empty, or has an item that the catalogue does not have */
export function checkHistory(history: History, index: number, numItems: number): History {
  if (history.length === 0) throw new InputError(`history ${index + 1} is empty; give at least one item`);
  for (let i = 0; i < history.length; i++) checkItem(history[i], `history ${index + 1}`, numItems);
  return history;
}

function checkItem(item: number, where: string, numItems: number): number {
  if (Number.isInteger(item) && item >= 1 && item <= numItems) return item;
  throw new InputError(`${where} has the item ${item}; items of this model are 1 to ${numItems}`);
}
