import { type Option, settingsOf } from '../../../base/options.js';
import { scoreOwn } from '../own/index.js';
import { type DrawingSampler, drawnCandidates, uploadSource } from '../sampler.js';
import type { Negatives } from './negatives.js';

/** The options of all negatives that are a token's own. */
export const OWN_OPTIONS = {
  negs_per_pos: { type: 'integer', default: 256, min: 1, max: 65536, help: 'negatives k sampled for each positive' },
} as const satisfies Record<string, Option>;

/** `negs_per_pos` of each token's own, drawn by a sampler. */
export function ownNegatives(sampler: DrawingSampler): Negatives {
  const { name, help, options, source } = sampler;
  return {
    name,
    help,
    options: { ...OWN_OPTIONS, ...options },
    ...(source && { needs: source.from }),
    count: ({ negs_per_pos }) => negs_per_pos as number,
    prepare: (stream, counts, options) => uploadSource(stream, sampler, counts, settingsOf(sampler, options)),
    loss(tape, h, table, targets, { verdict, numItems, options, source, scale }) {
      const k = options.negs_per_pos as number;
      const candidates = drawnCandidates(sampler, k, numItems, { settings: settingsOf(sampler, options), source });
      return scoreOwn(tape, h, table, targets, { verdict, candidates, ...(scale !== undefined && { scale }) });
    },
  };
}
