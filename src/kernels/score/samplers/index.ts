import type { Sampler } from '../sampler.js';
import { given } from './given.js';
import { uniform } from './uniform.js';

/** Every sampler of own candidates there is: kernels' specs walk this list and no other. */
export const SAMPLERS: Readonly<Record<string, Sampler>> = Object.fromEntries(
  [uniform, given].map((sampler) => [sampler.name, sampler]),
);
