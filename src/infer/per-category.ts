import { markSeen, seenWords } from '../data/batches.js';
import { MOST_TOP_K } from '../kernels/score/top_k/index.js';
import type { Recommendation, TopBatch } from './answers.js';

/** A limit on the items of one category in a list. */
export interface CategoryLimit {
  readonly most: number;
  /** The category of each item that has one. Items without a category are not limited. */
  readonly of: ReadonlyMap<number, string>;
}

/** How many items to look at first for each one that is wanted. */
const AHEAD = 4;

/**
 * The best items of each history, with no more than the limit from any category: what `best` returns in its order, without the items that would exceed
 * the limit. Rows that are not full are asked again without the items seen so far, until they are full or nothing is left.
 * @param batch its `excluded` changes
 */
export async function withinCategories(
  batch: TopBatch,
  { most, of }: CategoryLimit,
  numItems: number,
  best: (batch: TopBatch) => Promise<Recommendation[][]>,
): Promise<Recommendation[][]> {
  const { histories, users, excluded, top } = batch;
  const words = seenWords(numItems);
  const bitsOf = (row: number) => excluded.subarray(row * words, (row + 1) * words);
  const lists: Recommendation[][] = histories.map(() => []);
  const held = histories.map(() => new Map<string, number>());
  const isFull = (row: number, category: string | undefined) =>
    category !== undefined && (held[row].get(category) ?? 0) >= most;
  let rows = Array.from(histories.keys());
  for (
    let asked = Math.min(numItems, MOST_TOP_K, AHEAD * top);
    rows.length > 0;
    asked = Math.min(numItems, MOST_TOP_K)
  ) {
    const bits = new Uint32Array(rows.length * words);
    rows.forEach((row, i) => {
      bits.set(bitsOf(row), i * words);
    });
    const found = await best({
      histories: rows.map((row) => histories[row]),
      users: rows.map((row) => users[row]),
      excluded: bits,
      top: asked,
    });
    rows = rows.filter((row, i) => {
      for (const one of found[i]) {
        markSeen(bitsOf(row), one.item);
        const category = of.get(one.item);
        if (isFull(row, category) || lists[row].length === top) continue;
        lists[row].push(one);
        if (category !== undefined) held[row].set(category, (held[row].get(category) ?? 0) + 1);
      }
      return lists[row].length < top && found[i].length === asked;
    });
    for (const row of rows) {
      const own = bitsOf(row);
      for (const [item, category] of of) if (isFull(row, category)) markSeen(own, item);
    }
  }
  return lists;
}
