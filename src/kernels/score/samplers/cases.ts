import { settingsOf } from '../../../base/options.js';
import { CASE_RANDOM } from '../../op.js';
import type { DrawingSampler } from '../sampler.js';
import { DRAWING } from './index.js';
import { uniform } from './uniform.js';

/** The samplers beside the uniform one, which cases take where they name none. */
export const OTHER_SAMPLERS = Object.keys(DRAWING).filter((name) => name !== uniform.name);

export function samplerOf({ sampler = uniform.name }: { sampler?: string }): DrawingSampler {
  return DRAWING[sampler];
}

/** The ids [T, k] that a case's sampler draws, drawn on the host. */
export function idsOf(shape: { T: number; k: number; N: number; sampler?: string }): Uint32Array {
  const sampler = samplerOf(shape);
  return sampler.reference(CASE_RANDOM, { ...shape, numItems: shape.N }, settingsOf(sampler));
}
