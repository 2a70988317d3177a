import { optionsOf } from '../../../base/options.js';
import type { Judge } from '../judge.js';
import { LOG_Q_OPTIONS } from '../log-q.js';
import { DRAWING, SAMPLER_OPTIONS } from '../samplers/index.js';
import { catalogueNegatives } from './catalogue.js';
import { hardestNegatives } from './hardest.js';
import { inBatch } from './in-batch.js';
import type { Negatives } from './negatives.js';
import { OWN_OPTIONS, ownNegatives } from './own.js';
import { perBatch } from './per-batch.js';
import { perSequence } from './per-sequence.js';

/** Those that tokens share. */
const SHARED = [perSequence, perBatch, inBatch, catalogueNegatives] as const;

/** All negatives that a configuration can name: every sampler's, the hardest of one, and those that tokens share. */
export const NEGATIVES: Readonly<Record<string, Negatives>> = Object.fromEntries(
  [...Object.values(DRAWING).map(ownNegatives), hardestNegatives, ...SHARED].map((each) => [each.name, each]),
);

/** The options of all of them, by key. */
export const NEGATIVES_OPTIONS = {
  ...OWN_OPTIONS,
  ...LOG_Q_OPTIONS,
  ...SAMPLER_OPTIONS,
  ...optionsOf([hardestNegatives, ...SHARED]),
};

/** Why a loss does not work with these negatives; undefined if it does. */
export function refusal(judge: Judge, negatives: Negatives): string | undefined {
  if (judge.negatives && judge.negatives !== negatives.name) return `it takes ${judge.negatives} alone`;
  if (judge.byCount && negatives.countVaries)
    return 'it is made for a number of negatives, which is another in each batch';
  return undefined;
}

/** The negatives of a loss where none are named, and whether it takes no others. */
export function negativesFor({ negatives }: Judge): { name: string; only: boolean } {
  return { name: negatives ?? Object.keys(NEGATIVES)[0], only: negatives !== undefined };
}

/** Whether the sigmoid of a score is the probability that its item comes next, of a model trained under these options. */
export function isCalibrated(
  judge: Judge,
  { negatives, ...options }: Readonly<Record<string, unknown>> & { readonly negatives?: string },
): boolean {
  const chosen = negatives !== undefined && NEGATIVES[negatives]?.chosenByScore;
  return !chosen && judge.calibrated?.(options) === true;
}
