import { type Option, settingsOf } from '../../../base/options.js';
import { LOG_Q_OPTIONS, type LogQ } from '../log-q.js';
import { scoreOwn } from '../own/index.js';
import { type DrawingSampler, drawnCandidates, type ItemCounts, uploadHistories, uploadSource } from '../sampler.js';
import type { Negatives } from './negatives.js';

/** The options of all negatives that are a token's own. */
export const OWN_OPTIONS = {
  negs_per_pos: { type: 'integer', default: 256, min: 1, max: 65536, help: 'negatives k sampled for each positive' },
} as const satisfies Record<string, Option>;

/** `negs_per_pos` of each token's own, drawn by a sampler. */
export function ownNegatives(sampler: DrawingSampler): Negatives {
  const { name, help, options, source, varies, corrections } = sampler;
  function draws(counts: ItemCounts, options: Readonly<Record<string, unknown>>): Float64Array {
    const numItems = counts.length - 1;
    const words = source?.from === 'counts' ? source.words(counts, settingsOf(sampler, options)) : undefined;
    const k = options.negs_per_pos as number;
    return Float64Array.from({ length: numItems }, (_, i) => k * Math.exp(sampler.logQOf(0, i + 1, numItems, words)));
  }
  return {
    name,
    help,
    options: { ...OWN_OPTIONS, ...LOG_Q_OPTIONS, ...options },
    corrections,
    ...(source && { needs: source.from }),
    ...(varies && { varies, draws }),
    count: ({ negs_per_pos }) => negs_per_pos as number,
    prepare: (stream, counts, options) => uploadSource(stream, sampler, counts, settingsOf(sampler, options)),
    loss(tape, h, table, targets, { verdict, numItems, options, source: uploaded, rows, scale }) {
      const k = options.negs_per_pos as number;
      const settings = settingsOf(sampler, options);
      const source = uploaded ?? uploadHistories(tape.stream, sampler, rows, numItems);
      const candidates = drawnCandidates(sampler, k, numItems, { settings, source });
      const logQ = options.log_q as LogQ;
      return scoreOwn(tape, h, table, targets, { verdict, candidates, logQ, ...(scale !== undefined && { scale }) });
    },
  };
}
