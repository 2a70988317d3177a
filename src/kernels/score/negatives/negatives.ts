import type { Choice } from '../../../base/options.js';
import type { Stream } from '../../../engine/stream.js';
import type { Table } from '../../../engine/table.js';
import type { Tape } from '../../../engine/tape.js';
import type { Tensor } from '../../../engine/tensor.js';
import type { Verdict } from '../judge.js';
import type { Corrections } from '../log-q.js';
import type { ItemCounts } from '../sampler.js';

/** Which items a token's positive is compared with, as a configuration names it: a sampler of its own candidates, or items that tokens share. */
export interface Negatives extends Choice {
  /** What must be known of the data, beside N. */
  readonly needs?: 'counts';
  /** Some items are likelier to be drawn than others. */
  readonly varies?: true;
  /** The corrections of scores by log q that make sense with them; none if left out. */
  readonly corrections?: Corrections;
  /** How many a token has. */
  count(options: Readonly<Record<string, unknown>>, numItems: number): number;
  /** Uploads what is drawn from throughout a run. The caller releases it. @throws InputError without the counts that it needs */
  prepare?(
    stream: Stream,
    counts: ItemCounts | undefined,
    options: Readonly<Record<string, unknown>>,
  ): Tensor | undefined;
  /** How often each item 1 … N is drawn for a token, on average; of those that vary. @returns [N] */
  draws?(counts: ItemCounts, options: Readonly<Record<string, unknown>>): Float64Array;
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
  /** What `prepare` uploaded. */
  readonly source?: Tensor;
  /** What a token's loss counts for in the whole; 1 / T if left out. */
  readonly scale?: number;
}
