import { InputError } from '../base/errors.js';
import { HostRandom } from '../base/philox.js';
import type { Sequences, Split } from './dataset.js';

/** Random streams from here on, one an epoch, order the users: far above the GPU's, which are numbered by training step. */
const SHUFFLE_STREAMS = 2 ** 31;

/** Sequences of a batch laid end to end, without padding. B sequences, T tokens. */
export interface RaggedBatch {
  /** B */
  readonly rows: number;
  /** T */
  readonly tokens: number;
  /** [T] item ids */
  readonly ids: Uint32Array;
  /** [2T] for token t the half-open range (start, end) of its sequence's tokens; its position in a window of S is S - (end - t). */
  readonly spans: Uint32Array;
}

export interface TrainingBatch extends RaggedBatch {
  /** [T] the item that follows each token */
  readonly targets: Uint32Array;
}

export interface EvaluationBatch extends RaggedBatch {
  /** Line of the split that is the batch's first row; the others follow it. */
  readonly first: number;
  /** [B] the last token of each row, whose hidden state predicts the target */
  readonly lastTokens: Uint32Array;
  /** [B] */
  readonly targets: Uint32Array;
}

export interface TrainingOptions {
  /** S, the most inputs of a row */
  readonly sequenceLength: number;
  readonly batchSize: number;
  /** How many batches of an epoch are used; all by default. */
  readonly maxBatchesPerEpoch?: number;
  readonly seed: number;
}

/**
 * The batches of every epoch, each computed when asked for from (seed, epoch, index) alone, so that a resumed run sees what an
 * uninterrupted one would have. A row is a user's last S + 1 items: all but the last are inputs, all but the first their targets.
 */
export class TrainingBatches {
  /** Batches an epoch; the last may be partial. */
  readonly perEpoch: number;
  /** The most tokens any batch can have: what buffers must hold. */
  readonly capacity: number;
  readonly #users: Uint32Array;
  #order: Uint32Array = new Uint32Array(0);
  #orderEpoch = -1;

  /** @throws InputError when no user has two items */
  constructor(
    private readonly train: Sequences,
    private readonly options: TrainingOptions,
  ) {
    const { sequenceLength, batchSize, maxBatchesPerEpoch = Infinity } = options;
    this.#users = Uint32Array.from({ length: train.count }, (_, user) => user).filter((u) => train.lengthOf(u) > 1);
    if (this.#users.length === 0)
      throw new InputError('no training sequence has two items, so there is nothing to predict');
    this.perEpoch = Math.min(Math.ceil(this.#users.length / batchSize), maxBatchesPerEpoch);
    this.capacity = largestSum(
      this.#users.map((user) => Math.min(train.lengthOf(user) - 1, sequenceLength)),
      batchSize,
    );
  }

  /** One batch of an epoch, the same at every call. @param epoch from 0 @param index from 0 to `perEpoch` - 1 */
  batch(epoch: number, index: number): TrainingBatch {
    const { sequenceLength, batchSize, seed } = this.options;
    if (epoch !== this.#orderEpoch) {
      this.#order = new HostRandom(seed, SHUFFLE_STREAMS + epoch).shuffle(this.#users.slice());
      this.#orderEpoch = epoch;
    }
    const chosen = this.#order.subarray(index * batchSize, (index + 1) * batchSize);
    const rows = Array.from(chosen, (user) => this.train.tail(user, sequenceLength + 1));
    const targets = rows.map((row) => row.subarray(1));
    return { ...layEndToEnd(rows.map((row) => row.subarray(0, -1))), targets: concat(targets) };
  }
}

/** The last `sequenceLength` items of each user of a split, in the order of the split. */
export function* evaluationBatches(
  split: Split,
  sequenceLength: number,
  batchSize: number,
): Generator<EvaluationBatch> {
  for (let first = 0; first < split.inputs.count; first += batchSize) {
    const count = Math.min(batchSize, split.inputs.count - first);
    const rows = Array.from({ length: count }, (_, row) => split.inputs.tail(first + row, sequenceLength));
    yield { ...historyBatch(rows), first, targets: split.targets.subarray(first, first + count) };
  }
}

/** Histories to predict the next item of. @param histories each already cut to the window, none empty */
export function historyBatch(histories: readonly Uint32Array[]): RaggedBatch & { lastTokens: Uint32Array } {
  const batch = layEndToEnd(histories);
  const isLast = (t: number) => batch.spans[2 * t + 1] === t + 1;
  return { ...batch, lastTokens: Uint32Array.from(batch.ids.keys()).filter(isLast) };
}

/** Words of `seenBits` a row. */
export function seenWords(numItems: number): number {
  return Math.ceil((numItems + 2) / 32);
}

/**
 * Which items each history holds.
 * @returns [B, ceil((N+2)/32)] words: item i is bit i % 32 of word floor(i / 32) of its row
 */
export function seenBits(histories: readonly Iterable<number>[], numItems: number): Uint32Array {
  const words = seenWords(numItems);
  const bits = new Uint32Array(histories.length * words);
  histories.forEach((items, row) => {
    for (const item of items) bits[row * words + (item >>> 5)] |= 1 << (item & 31);
  });
  return bits;
}

function layEndToEnd(rows: readonly Uint32Array[]): RaggedBatch {
  const ids = concat(rows);
  const spans = new Uint32Array(2 * ids.length);
  let start = 0;
  for (const { length } of rows) {
    for (let t = start; t < start + length; t++) {
      spans[2 * t] = start;
      spans[2 * t + 1] = start + length;
    }
    start += length;
  }
  return { rows: rows.length, tokens: ids.length, ids, spans };
}

function concat(rows: readonly Uint32Array[]): Uint32Array {
  const joined = new Uint32Array(rows.reduce((sum, row) => sum + row.length, 0));
  let at = 0;
  for (const row of rows) {
    joined.set(row, at);
    at += row.length;
  }
  return joined;
}

/** The sum of the `count` largest. */
function largestSum(lengths: Uint32Array, count: number): number {
  return lengths
    .sort()
    .subarray(-count)
    .reduce((sum, length) => sum + length, 0);
}
