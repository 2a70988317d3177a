import { type NumericChoice, type Settings, settingsOf } from '../../base/options.js';
import type { RandomState } from '../../engine/random.js';
import type { Tensor } from '../../engine/tensor.js';

/** Where a token's own candidates come from. A kernel asks for four at a time through the sampler's WGSL, and stores them only if it must. */
export interface Sampler {
  readonly name: string;
  /** Fields of `struct Params` that `wgsl` reads. */
  readonly params: string;
  /**
   * WGSL: at most one storage binding, at number `binding`, and `candidates4(t, quad) -> vec4u`, the ids in slots 4 quad … 4 quad + 3 of the part's
   * token t. Slots from `params.k` on hold any id of the table.
   */
  wgsl(binding: number): string;
}

/** A sampler that a configuration can name: its ids are a function of the random state, so that any kernel can draw them again. */
export interface DrawingSampler extends Sampler, NumericChoice {
  /** What it draws, with its source. */
  readonly formula: string;
  /** What its WGSL binds and reads, by name. */
  args(random: RandomState, numItems: number, settings: Settings): Record<string, Tensor | number>;
  /** The same ids drawn on the host. @returns [T, k] */
  reference(random: RandomState, shape: { T: number; k: number; numItems: number }, settings: Settings): Uint32Array;
}

/** k candidates for each token: a sampler with its arguments. */
export interface Candidates {
  readonly sampler: Sampler;
  readonly k: number;
  /** What the sampler's WGSL binds and reads, by name. */
  args(random: RandomState): Record<string, Tensor | number>;
}

/** k candidates for each token, drawn by a sampler under the stream's random state. */
export function drawnCandidates(
  sampler: DrawingSampler,
  k: number,
  numItems: number,
  settings: Settings = settingsOf(sampler),
): Candidates {
  return { sampler, k, args: (random) => sampler.args(random, numItems, settings) };
}
