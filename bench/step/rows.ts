import { readFileSync } from 'node:fs';
import { HostRandom } from '../../src/base/philox.js';
import { historyBatch, type TrainingBatch } from '../../src/data/batches.js';

/**
 * Rows for a bench: every hundred of them have exactly the given lengths, in random order and cut to a window of S inputs and the next
 * item. Item i is drawn with a probability like 1 / sqrt(i), about as skewed as MovieLens.
 * @param lengths 100 of them
 * @returns `count` lists of item ids 1 … `items`, each of 2 … S+1
 */
export function drawRows(
  lengths: readonly number[],
  count: number,
  items: number,
  window: number,
  seed = 1,
): number[][] {
  const random = new HostRandom(seed);
  const rows: number[][] = [];
  while (rows.length < count) {
    for (const length of random.shuffle([...lengths])) {
      const size = Math.max(2, Math.min(length, window + 1));
      rows.push(Array.from({ length: size }, () => 1 + Math.floor(items * random.uniform() ** 2)));
    }
  }
  return rows.slice(0, count);
}

/** The rows of a file, one JSON array a line, in batches of `size` in their order, starting over at the end. */
export class Batches {
  readonly rows: readonly Uint32Array[];
  #next = 0;

  constructor(
    file: string,
    private readonly size: number,
    window: number,
  ) {
    this.rows = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => Uint32Array.from(JSON.parse(line)).slice(-(window + 1)));
  }

  next(): Uint32Array[] {
    const batch = Array.from({ length: this.size }, (_, i) => this.rows[(this.#next + i) % this.rows.length]);
    this.#next = (this.#next + this.size) % this.rows.length;
    return batch;
  }

  /** The most inputs that a batch can have: B rows of the longest kind. */
  get capacity(): number {
    const inputs = this.rows.map(({ length }) => length - 1).sort((a, b) => b - a);
    return inputs.slice(0, this.size).reduce((a, b) => a + b, 0);
  }
}

/** Rows laid end to end: all items but the last are inputs, all but the first their targets. */
export function layOut(rows: readonly Uint32Array[]): TrainingBatch {
  const batch = historyBatch(rows.map((row) => row.subarray(0, -1)));
  const targets = new Uint32Array(batch.tokens);
  let at = 0;
  for (const row of rows) {
    targets.set(row.subarray(1), at);
    at += row.length - 1;
  }
  return { ...batch, targets };
}
