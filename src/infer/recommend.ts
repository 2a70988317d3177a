import { InputError } from '../base/errors.js';
import { seenBits, seenWords } from '../data/batches.js';
import { MOST_TOP_K, topK } from '../kernels/score/top_k/index.js';
import type { Model } from '../model/model.js';
import { forwardRows, lastHidden } from './ranking.js';

/** An item that may come next. */
export interface Recommendation {
  /** Its id, 1..num_items. */
  item: number;
  /** The model's score, a dot product; with gbce_t = 1 its sigmoid is a calibrated probability. */
  score: number;
}

/** What `recommend` is to name. */
export interface RecommendOptions {
  /** How many items a history, 1 to 512, by default 10; fewer are returned where fewer remain. */
  top?: number;
  /** Leave the items of the history out, as is the default. */
  filterRated?: boolean;
  /** Items that are recommended to nobody. */
  exclude?: readonly number[];
  /** For each history the items that are not recommended after it. */
  excludeEach?: readonly (readonly number[])[];
  /** Aborting it ends the work before the next batch. */
  signal?: AbortSignal;
}

/** Item ids, oldest first; only the last sequence_length of them are looked at, but all of them are filtered. */
export type History = ArrayLike<number>;

const DEFAULT_TOP = 10;

/** Histories in a batch: each takes a row of top-k's scores. */
const MOST_ROWS = 512;

/**
 * The items that the model expects next, best first, for any histories: they need not be in the training data.
 * @throws InputError for an empty history, an id out of 1..num_items or a `top` that is not 1..512; whatever the signal was aborted with
 */
export async function recommend(
  model: Model,
  histories: readonly History[],
  options: RecommendOptions = {},
): Promise<Recommendation[][]> {
  for (const [i, history] of histories.entries()) checkHistory(history, i, model.config.num_items);
  const results: Recommendation[][] = [];
  for await (const batch of recommendBatches(model, histories, options)) results.push(...batch);
  return results;
}

/**
 * What `recommend` gives, batch by batch in the order of the histories, for more of them than memory would hold the answers to. A batch
 * is computed when it is asked for.
 * @throws as `recommend`, for a bad history when its batch is asked for
 */
export async function* recommendBatches(
  model: Model,
  histories: Iterable<History>,
  { top = DEFAULT_TOP, filterRated = true, exclude = [], excludeEach = [], signal }: RecommendOptions = {},
): AsyncGenerator<Recommendation[][]> {
  const { num_items, sequence_length } = model.config;
  if (!Number.isInteger(top) || top < 1 || top > MOST_TOP_K) {
    throw new InputError(`top is ${top}; it must be a whole number from 1 to ${MOST_TOP_K}`);
  }
  const { stream } = model;
  const k = Math.min(top, num_items);
  const words = seenWords(num_items);
  const checked = (items: readonly number[], what: string) => items.map((item) => checkItem(item, what, num_items));
  const outForAll = seenBits([checked(exclude, 'exclude')], num_items);
  let done = 0;
  for (const chunk of chunks(histories, forwardRows(sequence_length, MOST_ROWS))) {
    signal?.throwIfAborted();
    const rows = chunk.map((history, i) => Uint32Array.from(checkHistory(history, done + i, num_items)));
    const batch = model.architecture.task.query(rows, sequence_length);
    const out = rows.map((history, i) => {
      const own = checked(excludeEach[done + i] ?? [], `excludeEach ${done + i + 1}`);
      return filterRated ? [...history, ...own] : own;
    });
    const excluded = seenBits(out, num_items);
    if (exclude.length > 0) for (let i = 0; i < excluded.length; i++) excluded[i] |= outForAll[i % words];
    const reads = stream.scope(() => {
      const h = lastHidden(model, batch);
      const best = topK(stream, h, model.outputTable, stream.upload(excluded, [rows.length, words]), num_items, k);
      return [stream.download(best.ids), stream.download(best.scores)];
    });
    stream.submit();
    const [ids, scores] = await Promise.all(reads);
    yield rows.map((_, row) => {
      const found: Recommendation[] = [];
      for (let i = row * k; i < (row + 1) * k && ids![i] > 0; i++) found.push({ item: ids![i], score: scores![i] });
      return found;
    });
    done += rows.length;
  }
}

/**
 * The sigmoid of a score, the calibrated probability that an item is the next one (Petrov and Macdonald, RecSys 2023, section 5.2), or
 * undefined where gbce_t is not 1: it then promises too much. The paper's derivation leaves the positive out of the negatives; the official
 * sampler, and so this one, does not, and what comes next with probability p is then learnt as p / (1 + p): the same while p is small.
 */
export function probabilityOf(score: number, gbceT: number): number | undefined {
  return gbceT === 1 ? 1 / (1 + Math.exp(-score)) : undefined;
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

/** @throws InputError where it is empty, or has an item that the model does not have */
export function checkHistory(history: History, index: number, numItems: number): History {
  if (history.length === 0) throw new InputError(`history ${index + 1} is empty; give at least one item`);
  for (let i = 0; i < history.length; i++) checkItem(history[i], `history ${index + 1}`, numItems);
  return history;
}

function checkItem(item: number, where: string, numItems: number): number {
  if (Number.isInteger(item) && item >= 1 && item <= numItems) return item;
  throw new InputError(`${where} has the item ${item}; items of this model are 1 to ${numItems}`);
}
