import type { HostRandom } from '../base/philox.js';

/** What a run decides about fresh parameters. */
export interface Start {
  /** Standard deviation of the embedding tables. */
  readonly std: number;
  /** sqrt(-score / D) for the score at which every item starts, see `initialParameters`. */
  readonly shift: number;
}

/** Draws a fresh parameter, element by element. */
export interface Initialiser {
  /** One element. */
  draw(random: HostRandom, start: Start): number;
  /** A table of scores that follows `Start.shift`. */
  readonly shifted?: true;
}

/** For the biases of norms. */
export const ZEROS: Initialiser = { draw: () => 0 };
/** For the weights of norms. */
export const ONES: Initialiser = { draw: () => 1 };

/** N(0, std²), for an embedding table. */
export const NORMAL: Initialiser = { draw: (random, { std }) => std * random.normal() };

/** U(±1/sqrt(fanIn)), like PyTorch's weights and biases of a linear layer. */
export function uniform(fanIn: number): Initialiser {
  const bound = 1 / Math.sqrt(fanIn);
  return { draw: (random) => bound * (2 * random.uniform() - 1) };
}

/** For the bias of the norm that hidden states come from. Together with `NORMAL_SHIFTED` tables it makes scores start where the run wants them. */
export const SHIFT: Initialiser = { draw: (_, { shift }) => shift };

/** For an output table that is used for nothing else, see `SHIFT`. */
export const NORMAL_SHIFTED: Initialiser = {
  draw: (random, { std, shift }) => -shift + std * random.normal(),
  shifted: true,
};
