import type { Judge } from '../judge.js';
import { LOG_Q_OPTIONS } from '../log-q.js';
import { DRAWING, SAMPLER_OPTIONS } from '../samplers/index.js';
import { catalogueNegatives } from './catalogue.js';
import type { Negatives } from './negatives.js';
import { OWN_OPTIONS, ownNegatives } from './own.js';

/** All negatives that a configuration can name: every sampler's, and those that tokens share. */
export const NEGATIVES: Readonly<Record<string, Negatives>> = Object.fromEntries(
  [...Object.values(DRAWING).map(ownNegatives), catalogueNegatives].map((each) => [each.name, each]),
);

/** The options of all of them, by key. */
export const NEGATIVES_OPTIONS = { ...OWN_OPTIONS, ...LOG_Q_OPTIONS, ...SAMPLER_OPTIONS };

/** The negatives of a loss where none are named, and whether it takes no others. */
export function negativesFor({ negatives }: Judge): { name: string; only: boolean } {
  return { name: negatives ?? Object.keys(NEGATIVES)[0], only: negatives !== undefined };
}
