import type { Choice } from '../../../base/options.js';
import type { Stream } from '../../../engine/stream.js';
import type { Table } from '../../../engine/table.js';
import type { Tape } from '../../../engine/tape.js';
import type { Tensor } from '../../../engine/tensor.js';
import type { Verdict } from '../judge.js';
import type { Corrections } from '../log-q.js';
import type { ItemCounts, SequenceRows } from '../sampler.js';
import type { Lists } from '../shared/lists.js';

/** Which items a token's positive is compared with, as a configuration names it: a sampler of its own candidates, or items that tokens share. */
export interface Negatives extends Choice {
  /** What must be known of the data, beside N. */
  readonly needs?: 'counts' | 'histories';
  /** Some items are likelier to be drawn than others. */
  readonly varies?: true;
  /** The corrections of scores by log q that make sense with them; none if left out. */
  readonly corrections?: Corrections;
  /** How many there are differs from batch to batch, so that no loss can be calibrated for a number of them. */
  readonly countVaries?: true;
  /** Scores choose among them, so that no loss on them is calibrated. */
  readonly chosenByScore?: true;
  /** Checks options against each other and the catalogue; each one alone has been checked already. @throws InputError naming `source` */
  check?(options: Readonly<Record<string, unknown>>, numItems: number, source: string): void;
  /** How many a token has, or at most has, if it differs from batch to batch. */
  count(options: Readonly<Record<string, unknown>>, numItems: number): number;
  /** Uploads what is drawn from throughout a run. The caller releases it. @throws InputError without the counts that it needs */
  prepare?(
    stream: Stream,
    counts: ItemCounts | undefined,
    options: Readonly<Record<string, unknown>>,
  ): Tensor | undefined;
  /** How often each item 1 … N is drawn for a token, on average; of those that vary. @returns [N] */
  draws?(counts: ItemCounts, options: Readonly<Record<string, unknown>>): Float64Array;
  /** Chooses the items that tokens of a batch share, and uploads them before the forward is recorded. The caller releases them. */
  lists?(stream: Stream, table: Table, sequences: HostSequences, given: Given): Lists;
  /**
   * Scores a token's positive and its negatives and judges them.
   * @param h [T, D]
   * @param table [N + 2, D]
   * @param targets [T] u32, or [T, 2] with weights
   * @returns [1], the root of the backward
   */
  loss(tape: Tape, h: Tensor, table: Table, targets: Tensor, given: Given): Tensor;
}

/** What a loss is made from, besides the tensors. */
export interface Given {
  readonly verdict: Verdict;
  readonly numItems: number;
  /** The configuration, of which negatives read their own options. */
  readonly options: Readonly<Record<string, unknown>>;
  /** How often each item is a training target, for negatives that need it. */
  readonly counts?: ItemCounts;
  /** What `prepare` uploaded. */
  readonly source?: Tensor;
  /** What `lists` chose for this batch. */
  readonly lists?: Lists;
  /** The sequences that the tokens are of, where `needs` asks for histories. */
  readonly rows?: SequenceRows;
  /** What a token's loss counts for in the whole; 1 / T if left out. */
  readonly scale?: number;
}

/** The sequences of a batch on the host, by which negatives are chosen that tokens share. T tokens. */
export interface HostSequences {
  /** [T] */
  readonly ids: Uint32Array;
  /** [T] the item that follows each token */
  readonly targets: Uint32Array;
  /** [2T] for each token the half-open range of its sequence's tokens */
  readonly spans: Uint32Array;
  /** Tokens of the whole batch before these, which may be a part of it. */
  readonly first: number;
  /** The targets of the whole batch, part by part. */
  readonly all: readonly { readonly targets: Uint32Array }[];
}
