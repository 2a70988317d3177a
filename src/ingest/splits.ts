import { InputError } from '../base/errors.js';
import { numpyChoice } from './numpy_random.js';

/** How a user's interactions, oldest first, are cut: which ones train, and which ones are predicted from all before them. */
export interface Cuts {
  /** How many of the first ones are for training. */
  readonly train: number;
  /** Half-open ranges of targets. */
  readonly val: readonly [number, number];
  readonly test: readonly [number, number];
}

/**
 * @param user id, from 1
 * @param marks the mark of each interaction: its time, or its part (0 training, 1 validation, 2 test)
 * @param length how many interactions the user has
 */
export type Splitter = (user: number, marks: ArrayLike<number>, length: number) => Cuts;

const NONE = [0, 0] as const;

/** The fewest interactions of a user for testing and validation, and of a validation user drawn as in the official code. */
const SHORTEST = 3;
export const SHORTEST_DRAWN = 4;

/**
 * The last interaction is for testing, the one before it for validation, the others for training. Users with fewer than three only train.
 * @param valUsers validates only on these users and holds both interactions out for all, like the official code, which also keeps a third interaction
 * of these users out of training
 */
export function leaveOneOut(valUsers?: ReadonlySet<number>): Splitter {
  return (user, _, length) => {
    if (length < SHORTEST) return { train: length, val: NONE, test: NONE };
    const test = [length - 1, length] as const;
    const val = [length - 2, length - 1] as const;
    if (valUsers === undefined) return { train: length - 2, val, test };
    return valUsers.has(user) ? { train: length - 3, val, test } : { train: length - 2, val: NONE, test };
  };
}

/**
 * Draws the validation users of the official code: `RandomState(seed).choice(U, count, replace=False)`, used as user ids from 1. A 0, which does not
 * occur in the official draw for ML-1M, stands for the last user.
 * @param candidates ids of the users with enough interactions
 */
export function drawValUsers(candidates: ArrayLike<number>, count: number, seed: number): Set<number> {
  const { length } = candidates;
  if (count > length)
    throw new InputError(
      `--val-users ${count}: only ${length} users have ${SHORTEST_DRAWN} interactions; ask for fewer`,
    );
  return new Set(Array.from(numpyChoice(seed, length, count), (drawn) => candidates[(drawn + length - 1) % length]));
}

/**
 * Interactions before `valFrom` are for training. The first one from `valFrom` on is for validation, and the first one from `testFrom` on for testing, each
 * with everything that the user did before it as history. Users without a history are left out.
 */
export function byTime(valFrom: number, testFrom: number): Splitter {
  return (_, times, length) => {
    const train = countBelow(times, length, valFrom);
    const known = countBelow(times, length, testFrom);
    return {
      train,
      val: train > 0 && known > train ? [train, train + 1] : NONE,
      test: known > 0 && length > known ? [known, known + 1] : NONE,
    };
  };
}

/** Each held-out interaction is predicted from all before it: the training part, then validation, then test. */
export const asGiven: Splitter = (_, parts, length) => {
  const train = countBelow(parts, length, 1);
  const known = countBelow(parts, length, 2);
  return { train, val: [Math.max(train, 1), Math.max(known, 1)], test: [Math.max(known, 1), Math.max(length, 1)] };
};

/** How many of ascending values are below a bound. */
function countBelow(values: ArrayLike<number>, length: number, bound: number): number {
  let count = 0;
  while (count < length && values[count] < bound) count++;
  return count;
}
