import { drawCandidates } from '../draw/index.js';
import { drawnCandidates } from '../sampler.js';
import { uniform } from '../samplers/uniform.js';
import { uploadLists } from '../shared/lists.js';
import { lossOfLists } from './lists.js';
import type { Negatives } from './negatives.js';
import { OWN_OPTIONS } from './own.js';

/**
 * One list of `negs_per_pos` items for all tokens of a batch, drawn uniformly with replacement as if for its first token. Parts of a batch have the same. An
 * item of the list may be a token's positive, as with `uniform`.
 */
export const perBatch = {
  name: 'per-batch',
  help: 'one list of items for the whole batch, every item equally likely, with replacement',
  options: OWN_OPTIONS,
  count: ({ negs_per_pos }) => negs_per_pos as number,
  lists(stream, { D }, { targets }, { numItems, options }) {
    const size = options.negs_per_pos as number;
    return uploadLists(stream, [{ start: 0, end: targets.length }], { size, D }, (pieces, W) =>
      drawCandidates(stream, drawnCandidates(uniform, size, numItems), pieces.length, { W, shared: true }),
    );
  },
  loss: lossOfLists({ others: false }),
} as const satisfies Negatives;
