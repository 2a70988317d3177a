import type { Choice } from '../../../base/options.js';
import type { Table } from '../../../engine/table.js';
import type { Tape } from '../../../engine/tape.js';
import type { Tensor } from '../../../engine/tensor.js';
import type { Verdict } from '../judge.js';

/** Which items a token's positive is compared with, as a configuration names it: a sampler of its own candidates, or items that tokens share. */
export interface Negatives extends Choice {
  /** How many a token has. */
  count(options: Readonly<Record<string, unknown>>, numItems: number): number;
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
  /** What a token's loss counts for in the whole; 1 / T if left out. */
  readonly scale?: number;
}
