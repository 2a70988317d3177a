import { InputError } from '../../../base/errors.js';
import type { Option } from '../../../base/options.js';
import { hardestCandidates } from '../hardest/index.js';
import { scoreOwn } from '../own/index.js';
import { drawnCandidates, uploadHistories } from '../sampler.js';
import { givenCandidates } from '../samplers/given.js';
import { uniformReject } from '../samplers/uniform-reject.js';
import type { Negatives } from './negatives.js';
import { OWN_OPTIONS } from './own.js';

const OPTIONS = {
  ...OWN_OPTIONS,
  hardest: {
    type: 'integer',
    default: 16,
    min: 1,
    max: 65536,
    help: 'how many of the negs_per_pos negatives are learned from, those with the highest scores',
  },
} as const satisfies Record<string, Option>;

/**
 * Dynamic negative sampling: of `negs_per_pos` items that are not the user's own, drawn uniformly, those that score highest (Zhang, Chen, Wang, Yu, SIGIR
 * 2013, section 3). The user's items stay out because the positive would soon be the hardest of all.
 */
export const hardestNegatives = {
  name: 'hardest',
  help: "the highest-scoring ones of uniform negatives that are not the user's own",
  options: OPTIONS,
  needs: 'histories',
  chosenByScore: true,
  count: ({ hardest }) => hardest as number,
  check({ hardest, negs_per_pos }, _, source) {
    if ((hardest as number) <= (negs_per_pos as number)) return;
    throw new InputError(
      `${source}: hardest is ${hardest}, more than the negs_per_pos ${negs_per_pos} that they are chosen from; take fewer, or raise negs_per_pos`,
    );
  },
  loss(tape, h, table, targets, { verdict, numItems, options, rows, scale }) {
    const source = uploadHistories(tape.stream, uniformReject, rows, numItems);
    const drawn = drawnCandidates(uniformReject, options.negs_per_pos as number, numItems, { source });
    const candidates = givenCandidates(hardestCandidates(tape.stream, h, table, drawn, options.hardest as number));
    return scoreOwn(tape, h, table, targets, { verdict, candidates, ...(scale !== undefined && { scale }) });
  },
} as const satisfies Negatives;
