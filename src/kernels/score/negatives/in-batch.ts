import { uploadLists } from '../shared/lists.js';
import { lossOfLists } from './lists.js';
import type { HostSequences, Negatives } from './negatives.js';

/**
 * The other targets of the batch, each once, whatever parts it is processed in: for a token those that are not its own positive. How likely an item is
 * among them follows its popularity (Yi et al., "Sampling-bias-corrected neural modeling", RecSys 2019, section 3).
 */
export const inBatch = {
  name: 'in-batch',
  help: "the batch's other targets, each once",
  options: {},
  countVaries: true,
  count: ({ train_batch_size, accumulate, sequence_length }, numItems) =>
    Math.min(numItems, (train_batch_size as number) * (accumulate as number) * (sequence_length as number)) - 1,
  lists(stream, { D }, sequences) {
    const items = distinctTargets(sequences);
    const whole = [{ start: 0, end: sequences.targets.length }];
    const sizes = { size: items.length, k: Math.max(1, items.length - 1), D };
    return uploadLists(stream, whole, sizes, (pieces, W) => {
      const ids = new Uint32Array(pieces.length * W);
      for (let list = 0; list < pieces.length; list++) ids.set(items, list * W);
      return stream.upload(ids, [pieces.length, W]);
    });
  },
  loss: lossOfLists({ others: true }),
} as const satisfies Negatives;

/** The targets of the whole batch in the order of their first tokens. */
function distinctTargets({ all }: HostSequences): Uint32Array {
  const items = new Set<number>();
  for (const { targets } of all) for (const target of targets) items.add(target);
  return Uint32Array.from(items);
}
