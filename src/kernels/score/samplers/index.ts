import { optionsOf } from '../../../base/options.js';
import type { DrawingSampler, Sampler } from '../sampler.js';
import { given } from './given.js';
import { mixed, popularity } from './popularity.js';
import { uniform } from './uniform.js';
import { uniformReject } from './uniform-reject.js';

const ALL = [uniform, uniformReject, popularity, mixed] as const;

/** Every sampler that draws: kernels' specs, the configuration, help and docs walk this list and no other. */
export const DRAWING: Readonly<Record<string, DrawingSampler>> = Object.fromEntries(
  ALL.map((sampler) => [sampler.name, sampler]),
);

/** The options of all of them, by key. */
export const SAMPLER_OPTIONS = optionsOf(ALL);

/** Every sampler that a kernel can ask for candidates. */
export const SAMPLERS: Readonly<Record<string, Sampler>> = { ...DRAWING, [given.name]: given };
