import type { HostRandom } from '../base/philox.js';

/** What the run decides about fresh parameters. */
export interface Start {
  /** Standard deviation of the embedding tables. */
  readonly std: number;
  /** sqrt(-score / D) of the score at which every item is to start, see `initialParameters`. */
  readonly shift: number;
}

/** Draws a fresh parameter, one element after the other. */
export interface Initialiser {
  draw(random: HostRandom, start: Start): number;
  /** A table of scores that follows `Start.shift`. */
  readonly shifted?: true;
}

export const ZEROS: Initialiser = { draw: () => 0 };
export const ONES: Initialiser = { draw: () => 1 };

/** N(0, std²), as an embedding table. */
export const NORMAL: Initialiser = { draw: (random, { std }) => std * random.normal() };

/** U(±1/sqrt(fanIn)), as PyTorch's weights and biases of a linear layer. */
export function uniform(fanIn: number): Initialiser {
  const bound = 1 / Math.sqrt(fanIn);
  return { draw: (random) => bound * (2 * random.uniform() - 1) };
}

/** The bias of the norm that hidden states come from: with `NORMAL_SHIFTED` tables it makes scores start where the run wants them. */
export const SHIFT: Initialiser = { draw: (_, { shift }) => shift };

/** A table that nothing but scores is taken with, see `SHIFT`. */
export const NORMAL_SHIFTED: Initialiser = {
  draw: (random, { std, shift }) => -shift + std * random.normal(),
  shifted: true,
};
