import { InputError } from '../base/errors.js';
import { numpyChoice } from './numpy_random.js';

/** Where a user's interactions, oldest first, are cut: what trains, and which are to be predicted from all before them. */
export interface Cuts {
  /** The first so many are for training. */
  readonly train: number;
  /** Half-open ranges of targets. */
  readonly val: readonly [number, number];
  readonly test: readonly [number, number];
}

/**
 * @param user id, from 1
 * @param marks of each interaction: its time, or its part (0 training, 1 validation, 2 test)
 * @param length how many interactions the user has
 */
export type Splitter = (user: number, marks: ArrayLike<number>, length: number) => Cuts;

const NONE = [0, 0] as const;

/** The fewest interactions of a user to be tested and validated on, and of a validation user drawn as in the official code. */
const SHORTEST = 3;
export const SHORTEST_DRAWN = 4;

/**
 * The last interaction tests, the one before it validates, the rest trains. Users with fewer than three only train.
 * @param valUsers validates these only and holds both interactions out for all, as the official code, which keeps a third one of these
 * users from training
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
 * Draws the validation users of the official code: `RandomState(seed).choice(U, count, replace=False)`, numbers taken for user ids from 1,
 * with 0, which the official draw for ML-1M has none of, for the last.
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
 * What comes before `valFrom` trains. The first interaction from `valFrom` on validates, and the first from `testFrom` on tests, each after
 * everything the user did before that moment; a user without any history there is not asked.
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
