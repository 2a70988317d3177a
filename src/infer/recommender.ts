import { InputError } from '../base/errors.js';
import { seenBits, seenWords } from '../data/batches.js';
import type { Split } from '../data/dataset.js';
import type { Ranking } from '../data/rank.js';
import { MOST_TOP_K } from '../kernels/score/top_k/index.js';
import type { Recommendation, TopBatch } from './answers.js';
import { type CategoryLimit, withinCategories } from './per-category.js';

/** Item ids, oldest first. Only the latest ones may count, but all of them are left out if seen items are. */
export type History = ArrayLike<number>;

/** How the users of a split are ranked. */
export interface RankOptions {
  /** Leave the items of the history out of the ranking; true by default. */
  readonly filterRated?: boolean;
  /** How many best items to return for each user: 0 … 512, at most the catalogue; none by default. */
  readonly top?: number;
  /** Aborting it ends the work before the next batch. */
  readonly signal?: AbortSignal;
  /** Called after each batch with the number of users done and of all users. */
  readonly onProgress?: (done: number, users: number) => void;
}

/** Which items are wanted. */
export interface ListOptions {
  /** The length of a list, 1 to 512, 10 by default. A list is shorter if fewer items remain. */
  readonly top?: number;
  /** Items to leave out of all lists. */
  readonly exclude?: readonly number[];
  /** The only items that may be in a list; all by default. */
  readonly only?: Iterable<number>;
  /** For each list, items to leave out. */
  readonly excludeEach?: readonly (readonly number[])[];
  /** For each list, the only items that may be in it; all if it has no entry. */
  readonly onlyEach?: readonly (Iterable<number> | undefined)[];
  /** A limit on the items of one category in a list. */
  readonly perCategory?: CategoryLimit;
  /** Aborting it ends the work before the next batch. */
  readonly signal?: AbortSignal;
}

/** What to recommend. */
export interface TopOptions extends ListOptions {
  /** Leave the items of the history out; true by default. */
  readonly filterRated?: boolean;
  /** For each history, its user's line of `train` if known: some recommenders know users. */
  readonly users?: ArrayLike<number | undefined>;
}

const DEFAULT_TOP = 10;

/**
 * Anything that ranks the items of a catalogue given a history: trained models, popularity, counts of transitions. Evaluation, reports and the
 * service use nothing else.
 */
export abstract class Recommender {
  /** As tables and reports show it. */
  abstract readonly name: string;
  /** N; items are 1..N. */
  abstract readonly numItems: number;
  /** How many of a history's latest items count; 0 if every history gets the same answer. */
  abstract readonly window: number;
  /** What its scores mean, in a sentence. */
  abstract readonly meaning: string;
  /** The GPU that it computes on; left out if it computes on the host. */
  readonly adapter?: string;
  /** The probability that an item with this score is the next one; left out if scores only order items. */
  readonly probability?: ((score: number) => number) | undefined;
  /**
   * How much each of a history's last `window` items counts for the recommendation: weights that sum to 1. Left out if the recommender cannot tell. All
   * histories are processed at once: hundreds, not millions.
   * @throws InputError as `top`
   */
  readonly explain?: ((histories: readonly History[]) => Promise<Float32Array[]>) | undefined;

  /**
   * Ranks the whole catalogue for each user of a split.
   * @throws whatever the signal was aborted with
   */
  abstract rank(split: Split, options?: RankOptions): Promise<Ranking>;

  /** The best items of each history, best first; fewer if fewer remain. */
  protected abstract best(batch: TopBatch): Promise<Recommendation[][]>;

  /** How many histories `best` takes at once. */
  protected abstract readonly batchRows: number;

  /** The items most like the one item of each history; left out if the recommender knows nothing about items. */
  protected readonly nearest?: ((batch: TopBatch) => Promise<Recommendation[][]>) | undefined;

  /**
   * The items expected next, best first, for any histories; they need not be in the training data.
   * @throws InputError for an empty history, an id out of 1..N or a `top` that is not 1..512; whatever the signal was aborted with
   */
  async top(histories: readonly History[], options: TopOptions = {}): Promise<Recommendation[][]> {
    for (const [i, history] of histories.entries()) checkHistory(history, i, this.numItems);
    const lists: Recommendation[][] = [];
    for await (const batch of this.batches(histories, options)) lists.push(...batch);
    return lists;
  }

  /**
   * What `top` returns, batch by batch in the order of the histories, for more histories than memory could hold answers for. A batch is computed when
   * the iterator reaches it.
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
   * The items most like each of these, the most similar first, never the item itself. For a trained model the `score` is the cosine of their vectors in
   * the output table.
   * @throws InputError for a recommender that knows nothing about items; else as `top`
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

  /** @throws what would prevent an answer, such as a lost device */
  check(): void {}

  /** Gives its memory on the device back. Later calls throw a GsasError, except another `release`, which does nothing. */
  release(): void {}
}

/** Adds bits to those that begin at word `at`. */
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

/** @throws InputError for an empty history, or an item that is not in the catalogue */
export function checkHistory(history: History, index: number, numItems: number): History {
  if (history.length === 0) throw new InputError(`history ${index + 1} is empty; give at least one item`);
  for (let i = 0; i < history.length; i++) checkItem(history[i], `history ${index + 1}`, numItems);
  return history;
}

function checkItem(item: number, where: string, numItems: number): number {
  if (Number.isInteger(item) && item >= 1 && item <= numItems) return item;
  throw new InputError(`${where} has the item ${item}; items of this model are 1 to ${numItems}`);
}
