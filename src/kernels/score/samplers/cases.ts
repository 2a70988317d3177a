import { settingsOf } from '../../../base/options.js';
import { CASE_RANDOM, type Operand } from '../../op.js';
import type { DrawingSampler, ItemCounts } from '../sampler.js';
import { DRAWING } from './index.js';
import { uniform } from './uniform.js';

/** The samplers beside the uniform one, which cases take where they name none. */
export const OTHER_SAMPLERS = Object.keys(DRAWING).filter((name) => name !== uniform.name);

/** T tokens with k candidates each out of N items. `sampler`: uniform if left out. */
export interface SampledCase {
  T: number;
  k: number;
  N: number;
  sampler?: string;
}

export function samplerOf({ sampler = uniform.name }: { sampler?: string }): DrawingSampler {
  return DRAWING[sampler];
}

/** Counts of N items, a few of them popular and about every fifth never seen. @returns [N + 1] */
export function countsOf(N: number): ItemCounts {
  return Float64Array.from({ length: N + 1 }, (_, i) => (i === 0 ? 0 : ((7 * i) % 5) + (i % 11 === 1 ? 40 : 0)));
}

/** What a case's sampler draws from, if it has a source. */
export function sourceOf(shape: SampledCase): { source?: Operand<Uint32Array> } {
  const sampler = samplerOf(shape);
  if (!sampler.source) return {};
  const data = sampler.source.words(countsOf(shape.N), settingsOf(sampler));
  return { source: { shape: [data.length], data } };
}

/** log(k q) of an item for a case's token. */
export function logDrawsIn(shape: SampledCase, source?: Uint32Array): (t: number, id: number) => number {
  const sampler = samplerOf(shape);
  return (t, id) => sampler.logQOf(t, id, shape.N, source) + Math.log(shape.k);
}

/** The ids [T, k] that a case's sampler draws, drawn on the host. */
export function idsOf(shape: SampledCase, source?: Uint32Array): Uint32Array {
  const sampler = samplerOf(shape);
  return sampler.reference(CASE_RANDOM, { ...shape, numItems: shape.N }, settingsOf(sampler), source);
}
