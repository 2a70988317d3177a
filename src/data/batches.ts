import { concat } from '../base/concat.js';
import { InputError } from '../base/errors.js';
import { HostRandom } from '../base/philox.js';
import type { Sequences, Split } from './dataset.js';

/** Random streams from this number on, one for each epoch, order the users. The GPU's streams, numbered by training step, stay far below. */
const SHUFFLE_STREAMS = 2 ** 31;

/** Sequences of a batch laid end to end, without padding. B sequences, T tokens. */
export interface RaggedBatch {
  /** B */
  readonly rows: number;
  /** T */
  readonly tokens: number;
  /** [T] item ids */
  readonly ids: Uint32Array;
  /** [2T] for each token t the half-open range (start, end) of its sequence's tokens. Its position in a window of S is S - (end - t). */
  readonly spans: Uint32Array;
}

export interface TrainingBatch extends RaggedBatch {
  /** [T] the item that follows each token */
  readonly targets: Uint32Array;
  /** [T] the weight of each token's loss, not negative; 1 if left out. The batch's loss is the weighted mean. */
  readonly weights?: Float32Array;
  /** [B] all items of each row's user, in any order, for negatives that leave them out; those of the row if left out. */
  readonly histories?: readonly Uint32Array[];
}

/** Some rows of a batch that is processed in parts. */
export interface BatchPart extends TrainingBatch {
  /** Tokens of the whole batch before this part. */
  readonly first: number;
}

/** Histories to predict the next item of. */
export interface QueryBatch extends RaggedBatch {
  /** [B] the last token of each row, whose hidden state predicts what comes next */
  readonly lastTokens: Uint32Array;
}

export interface EvaluationBatch extends QueryBatch {
  /** Line of the split that is the batch's first row; the others follow it. */
  readonly first: number;
  /** [B] */
  readonly targets: Uint32Array;
}

export interface TrainingOptions {
  /** S, the most inputs of a row */
  readonly sequenceLength: number;
  readonly batchSize: number;
  /** How many sequences of a batch are processed at a time; all of them by default. */
  readonly partSize?: number;
  /** How many batches of an epoch are used; all by default. */
  readonly maxBatchesPerEpoch?: number;
  readonly seed: number;
  /** Whether batches have `histories`. */
  readonly withHistories?: boolean;
}

/** What a task's own draws depend on. Epochs count from 0. */
export interface Draw {
  readonly seed: number;
  readonly epoch: number;
}

/** What a model learns from sequences. Makes batches to train on, and batches that ask for the next item. */
export interface Task {
  /** How many tokens a training sequence of `length` items becomes in a window of `window`; 0 if there is nothing to learn from it. */
  tokens(length: number, window: number): number;
  /** The id, beyond the catalogue, that stands in its batches for an item to be guessed. Left out if they hold items alone. */
  readonly mask?: number;
  /** Its training batches have weights. */
  readonly weighted?: true;
  /** A batch with a row for each of `users`, which are line numbers of `train`. What is drawn depends on `draw`, the user and the position alone. */
  training(train: Sequences, users: Uint32Array, window: number, draw: Draw): TrainingBatch;
  /** How many of a history's latest items a window of `window` takes. */
  known(window: number): number;
  /** A batch with a row for each history. No history is empty, and only the part that fits the window is used. */
  query(histories: readonly Uint32Array[], window: number): QueryBatch;
}

/**
 * The batches of every epoch. Each is computed from (seed, epoch, index) alone, so that a resumed run sees the same batches as an uninterrupted one.
 * Every epoch has the users in another order; the task turns their sequences into rows.
 */
export class TrainingBatches {
  /** Batches in an epoch; the last one may be smaller. */
  readonly perEpoch: number;
  /** The most tokens that any part of a batch can have, which buffers must hold. */
  readonly capacity: number;
  readonly #users: Uint32Array;
  #order: Uint32Array = new Uint32Array(0);
  #orderEpoch = -1;

  /** @throws InputError when no sequence is long enough for the task */
  constructor(
    private readonly task: Task,
    private readonly train: Sequences,
    private readonly options: TrainingOptions,
  ) {
    const { sequenceLength, batchSize, partSize = batchSize, maxBatchesPerEpoch = Infinity } = options;
    const tokens = (user: number) => task.tokens(train.lengthOf(user), sequenceLength);
    this.#users = Uint32Array.from({ length: train.count }, (_, user) => user).filter((user) => tokens(user) > 0);
    if (this.#users.length === 0)
      throw new InputError('no training sequence has two items, so there is nothing to predict');
    this.perEpoch = Math.min(Math.ceil(this.#users.length / batchSize), maxBatchesPerEpoch);
    this.capacity = largestSum(this.#users.map(tokens), partSize);
  }

  /** How often each item is a target of the users' sequences, each taken once. @returns [numItems + 1]; entry 0 is 0 */
  targetCounts(numItems: number): Float64Array {
    const counts = new Float64Array(numItems + 1);
    for (const user of this.#users) {
      const { sequenceLength, seed } = this.options;
      const { targets } = this.task.training(this.train, Uint32Array.of(user), sequenceLength, { seed, epoch: 0 });
      for (const item of targets) counts[item]++;
    }
    return counts;
  }

  /** One batch of an epoch, the same at every call. @param epoch from 0 @param index from 0 to `perEpoch` - 1 */
  batch(epoch: number, index: number): TrainingBatch {
    const { sequenceLength, batchSize, seed, withHistories } = this.options;
    if (epoch !== this.#orderEpoch) {
      this.#order = new HostRandom(seed, SHUFFLE_STREAMS + epoch).shuffle(this.#users.slice());
      this.#orderEpoch = epoch;
    }
    const chosen = this.#order.subarray(index * batchSize, (index + 1) * batchSize);
    const batch = this.task.training(this.train, chosen, sequenceLength, { seed, epoch });
    return withHistories ? { ...batch, histories: Array.from(chosen, (user) => this.train.at(user)) } : batch;
  }
}

/** A batch in parts of up to `rows` rows, in order. The spans of a part count from its first token. */
export function partsOf(batch: TrainingBatch, rows: number): BatchPart[] {
  const parts: BatchPart[] = [];
  for (let first = 0, row = 0; first < batch.tokens; ) {
    let [count, end] = [0, first];
    for (; count < rows && end < batch.tokens; count++) end = batch.spans[2 * end + 1];
    const spans = batch.spans.slice(2 * first, 2 * end).map((token) => token - first);
    const weights = batch.weights && { weights: batch.weights.subarray(first, end) };
    const [ids, targets] = [batch.ids.subarray(first, end), batch.targets.subarray(first, end)];
    const histories = batch.histories && { histories: batch.histories.slice(row, row + count) };
    parts.push({ rows: count, tokens: end - first, ids, targets, ...weights, ...histories, spans, first });
    first = end;
    row += count;
  }
  return parts;
}

/** [B] all items that are known of each row's user: its history or, without one, the row's own inputs and targets. */
export function historiesOf({ ids, targets, spans, tokens, histories }: TrainingBatch): readonly Uint32Array[] {
  if (histories) return histories;
  const rows: Uint32Array[] = [];
  for (let start = 0; start < tokens; start = spans[2 * start + 1]) {
    const end = spans[2 * start + 1];
    rows.push(concat([ids.subarray(start, end), targets.subarray(start, end)]));
  }
  return rows;
}

/** The histories of a split's users, in the order of the split, `batchSize` in a batch. */
export function* evaluationBatches(
  task: Task,
  split: Split,
  sequenceLength: number,
  batchSize: number,
): Generator<EvaluationBatch> {
  for (let first = 0; first < split.inputs.count; first += batchSize) {
    const count = Math.min(batchSize, split.inputs.count - first);
    const rows = Array.from({ length: count }, (_, row) => split.inputs.at(first + row));
    yield { ...task.query(rows, sequenceLength), first, targets: split.targets.subarray(first, first + count) };
  }
}

/** Histories as rows, whole. */
export function historyBatch(histories: readonly Uint32Array[]): QueryBatch {
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
    const own = bits.subarray(row * words, (row + 1) * words);
    for (const item of items) markSeen(own, item);
  });
  return bits;
}

/** Adds an item to a row of `seenBits`. @param row [ceil((N+2)/32)] */
export function markSeen(row: Uint32Array, item: number): void {
  row[item >>> 5] |= 1 << (item & 31);
}

/** Whether `seenBits` has an item of a row. */
export function isSeen(bits: Uint32Array, row: number, item: number, numItems: number): boolean {
  return ((bits[row * seenWords(numItems) + (item >>> 5)] >>> (item & 31)) & 1) === 1;
}

/** Rows as they are, one after the other. */
export function layEndToEnd(rows: readonly Uint32Array[]): RaggedBatch {
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

/** A batch of rows as equal in length as can be, with as many different items as can be: what a step is rehearsed with. */
export function evenBatch(rows: number, tokens: number, numItems: number): TrainingBatch {
  const items = Uint32Array.from({ length: tokens }, (_, t) => 1 + (t % numItems));
  const startOf = (row: number) => Math.floor((row * tokens) / rows);
  const sequences = Array.from({ length: rows }, (_, row) => items.subarray(startOf(row), startOf(row + 1)));
  const histories = sequences.map((sequence) => sequence.subarray(0, numItems - 1)); // negatives need an item that is not the user's
  return { ...layEndToEnd(sequences), targets: items, histories };
}

/** The sum of the `count` largest. */
function largestSum(lengths: Uint32Array, count: number): number {
  return lengths
    .sort()
    .subarray(-count)
    .reduce((sum, length) => sum + length, 0);
}
