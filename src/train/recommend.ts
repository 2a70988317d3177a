import { historyBatch, seenBits, seenWords } from '../data/batches.js';
import { InputError } from '../engine/errors.js';
import { MOST_TOP_K, topK } from '../kernels/top_k/index.js';
import type { GSASRec } from '../model/gsasrec.js';
import { forwardRows, lastHidden } from './evaluate.js';

export interface Recommendation {
  item: number;
  /** The model's score, a dot product; with gbce_t = 1 its sigmoid is a calibrated probability. */
  score: number;
}

export interface RecommendOptions {
  /** How many items a history; fewer are returned where fewer remain. */
  top: number;
  /** Leave the items of the history out. */
  filterRated: boolean;
}

/** Histories in a batch: each takes a row of top-k's scores. */
const MOST_ROWS = 512;

/**
 * The items that the model expects next, best first, for any histories: they need not be in the training data.
 * @param histories item ids, oldest first; only the last sequence_length of each are looked at, but all of them are filtered
 * @throws InputError for an empty history, an id out of 1..num_items or a `top` that is not 1..512
 */
export async function recommend(
  model: GSASRec,
  histories: readonly (readonly number[])[],
  { top, filterRated }: RecommendOptions,
): Promise<Recommendation[][]> {
  const { num_items, sequence_length } = model.config;
  if (!Number.isInteger(top) || top < 1 || top > MOST_TOP_K) {
    throw new InputError(`top is ${top}; it must be a whole number from 1 to ${MOST_TOP_K}`);
  }
  for (const [i, history] of histories.entries()) checkHistory(history, i, num_items);
  const { stream } = model;
  const rows = forwardRows(sequence_length, MOST_ROWS);
  const results: Recommendation[][] = [];
  for (let first = 0; first < histories.length; first += rows) {
    const chunk = histories.slice(first, first + rows).map((history) => Uint32Array.from(history));
    const batch = historyBatch(chunk.map((history) => history.slice(-sequence_length)));
    const words = seenWords(num_items);
    const excluded = filterRated ? seenBits(chunk, num_items) : new Uint32Array(chunk.length * words);
    const k = Math.min(top, num_items);
    const reads = stream.scope(() => {
      const h = lastHidden(model, batch, batch.lastTokens);
      const best = topK(stream, h, model.outputTable, stream.upload(excluded, [chunk.length, words]), num_items, k);
      return [stream.download(best.ids), stream.download(best.scores)];
    });
    stream.submit();
    const [ids, scores] = await Promise.all(reads);
    for (let row = 0; row < chunk.length; row++) {
      const found: Recommendation[] = [];
      for (let i = row * k; i < (row + 1) * k && ids![i]! > 0; i++) found.push({ item: ids![i]!, score: scores![i]! });
      results.push(found);
    }
  }
  return results;
}

function checkHistory(history: readonly number[], index: number, numItems: number): void {
  if (history.length === 0) throw new InputError(`history ${index + 1} is empty; give at least one item`);
  for (const item of history) {
    if (!Number.isInteger(item) || item < 1 || item > numItems) {
      throw new InputError(`history ${index + 1} has the item ${item}; items of this model are 1 to ${numItems}`);
    }
  }
}
