import { InputError } from '../../../base/errors.js';
import { LOG_Q_OPTIONS } from '../log-q.js';
import type { ItemCounts } from '../sampler.js';
import { uploadLists } from '../shared/lists.js';
import { lossOfLists } from './lists.js';
import type { HostSequences, Negatives } from './negatives.js';

/**
 * The other targets of the batch, each once, whatever parts it is processed in: for a token those that are not its own positive. A popular item is nearly
 * always among them, which log q corrects (Yi et al., "Sampling-bias-corrected neural modeling", RecSys 2019, section 3): with q an item's share of all
 * training targets, it is in a list of T targets 1 - (1 - q)^T times, on average.
 */
export const inBatch = {
  name: 'in-batch',
  help: "the batch's other targets, each once",
  options: LOG_Q_OPTIONS,
  needs: 'counts',
  countVaries: true,
  corrections: { standard: true, corrected: true },
  count: ({ train_batch_size, accumulate, sequence_length }, numItems) =>
    Math.min(numItems, (train_batch_size as number) * (accumulate as number) * (sequence_length as number)) - 1,
  prepare(_, counts, { log_q }) {
    if (log_q === 'none' || counts?.some((count) => count > 0)) return undefined;
    throw new InputError(
      `log_q ${log_q} corrects the negatives in-batch by how often items are training targets, and there are no such counts; give training sequences of two items or more, or set log_q to none`,
    );
  },
  lists(stream, { D }, sequences, { options, counts }) {
    const items = distinctTargets(sequences);
    const { targets } = sequences;
    const repeated = <Row extends Uint32Array | Float32Array>(row: Row, all: Row) => {
      for (let at = 0; at < all.length; at += all.length / pieces) all.set(row, at);
      return all;
    };
    let pieces = 0;
    let W = 0;
    const sizes = { size: items.length, k: Math.max(1, items.length - 1), D };
    const lists = uploadLists(stream, [{ start: 0, end: targets.length }], sizes, (shared, width) => {
      [pieces, W] = [shared.length, width];
      return stream.upload(repeated(items, new Uint32Array(pieces * W)), [pieces, W]);
    });
    if (options.log_q === 'none' || !counts) return lists;
    const logDrawsOf = logDraws(counts, sequences);
    const listed = repeated(Float32Array.from(items, logDrawsOf), new Float32Array(pieces * W));
    const corrections = { logDraws: stream.upload(listed, [pieces, W]) };
    if (options.log_q === 'corrected') return { ...lists, ...corrections };
    const positives = Float32Array.from(targets, logDrawsOf);
    return { ...lists, ...corrections, positiveLogDraws: stream.upload(positives, [targets.length]) };
  },
  loss: lossOfLists({ others: true }),
} as const satisfies Negatives;

/** The targets of the whole batch in the order of their first tokens. */
function distinctTargets({ all }: HostSequences): Uint32Array {
  const items = new Set<number>();
  for (const { targets } of all) for (const target of targets) items.add(target);
  return Uint32Array.from(items);
}

/** The log of how often an item is among the targets of a batch of this size. One that never was a target counts as one that was once. */
export function logDraws(counts: ItemCounts, { all }: Pick<HostSequences, 'all'>): (item: number) => number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const tokens = all.reduce((sum, { targets }) => sum + targets.length, 0);
  return (item) => Math.log(-Math.expm1(tokens * Math.log1p(-Math.min(Math.max(counts[item], 1) / total, 1))));
}
