import { concat } from '../../../base/concat.js';
import { InputError } from '../../../base/errors.js';
import type { Option } from '../../../base/options.js';
import { uploadTogether } from '../../../engine/upload.js';
import { drawOthers } from '../draw_others/index.js';
import { uploadLists } from '../shared/lists.js';
import { lossOfLists } from './lists.js';
import type { HostSequences, Negatives } from './negatives.js';
import { OWN_OPTIONS } from './own.js';

const OPTIONS = {
  ...OWN_OPTIONS,
  without_replacement: {
    type: 'boolean',
    default: false,
    help: 'draw no item twice for a sequence',
  },
} as const satisfies Record<string, Option>;

/**
 * One list of `negs_per_pos` items for all tokens of a sequence, none of which is an item or a target of the sequence in this batch, as SASRec+ 3000 draws
 * them (Klenitskiy and Vasilev, "Turning Dross Into Gold Loss", RecSys 2023, section 3.2). A sequence with nearly all items has a shorter list.
 */
export const perSequence = {
  name: 'per-sequence',
  help: 'one list of items for all steps of a sequence, none of them in it, all others equally likely',
  options: OPTIONS,
  count: ({ negs_per_pos }) => negs_per_pos as number,
  check({ negs_per_pos, without_replacement }, numItems, source) {
    if (!without_replacement || (negs_per_pos as number) <= numItems) return;
    throw new InputError(
      `${source}: negs_per_pos is ${negs_per_pos}, but without_replacement there are only ${numItems} items to draw; take fewer, or set without_replacement to false`,
    );
  },
  lists(stream, { D }, sequences, { numItems, options }) {
    const k = options.negs_per_pos as number;
    return uploadLists(stream, withOwnItems(sequences), { size: k, D }, (pieces, W) => {
      const own = concat(pieces.map((piece) => piece.own));
      const starts = new Uint32Array(pieces.length + 1);
      pieces.forEach((piece, g) => {
        starts[g + 1] = starts[g] + piece.own.length;
      });
      const keys = Uint32Array.from(pieces, ({ key }) => key);
      return stream.scope(() => {
        const [uploadedOwn, uploadedStarts, uploadedKeys] = uploadTogether(stream, [own], [starts], [keys]);
        const inputs = { own: uploadedOwn, starts: uploadedStarts, keys: uploadedKeys };
        return drawOthers(stream, inputs, { k, W, numItems, replaced: !options.without_replacement });
      });
    });
  },
  loss: lossOfLists({ others: false }),
} as const satisfies Negatives;

/** The sequences of a batch: their tokens, what distinguishes them in the whole batch, and their items in ascending order. */
function withOwnItems({ ids, targets, spans, first }: HostSequences) {
  const sequences: { start: number; end: number; key: number; own: Uint32Array }[] = [];
  for (let start = 0; start < ids.length; ) {
    const end = spans[2 * start + 1];
    const own = Uint32Array.from(new Set([...ids.subarray(start, end), ...targets.subarray(start, end)])).sort();
    sequences.push({ start, end, key: first + start, own });
    start = end;
  }
  return sequences;
}
