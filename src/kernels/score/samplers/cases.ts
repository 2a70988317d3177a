import { settingsOf } from '../../../base/options.js';
import { CASE_RANDOM, type Operand } from '../../op.js';
import type { DrawingSampler, ItemCounts, SequenceRows } from '../sampler.js';
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

/** Tokens in rows of seven, whose users have up to half of the items: of small numbers, of large ones, none, with repetitions. */
export function rowsOf({ T, N }: { T: number; N: number }): SequenceRows {
  const rows = Math.ceil(T / 7);
  const histories = Array.from({ length: rows }, (_, row) =>
    Uint32Array.from(
      { length: row % 4 === 3 ? 0 : Math.floor(N / 2) },
      (_, i) => [1 + Math.floor(i / 2), N - i, 1 + ((5 * i) % N)][row % 4],
    ),
  );
  const spans = Uint32Array.from({ length: 2 * T }, (_, i) => Math.min(T, 7 * (Math.floor(i / 14) + (i % 2))));
  return { spans, histories };
}

/** What a case's sampler draws from, if it has a source. */
export function sourceOf(shape: SampledCase): { source?: Operand<Uint32Array> } {
  const sampler = samplerOf(shape);
  if (!sampler.source) return {};
  const { source } = sampler;
  const data =
    source.from === 'counts'
      ? source.words(countsOf(shape.N), settingsOf(sampler))
      : source.words(rowsOf(shape), shape.N);
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
