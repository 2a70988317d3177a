import type { Split } from './dataset.js';

/** Scores [N+1] of every item, by id, as the next one of a split's user (a line of it); entry 0 is unused. Valid until the next call. */
export type Scorer = (split: Split, user: number) => Float64Array;

/**
 * The rank of each user's target among items 1..N: 1 + the number of items that score higher. With `filterRated` the items of the
 * user's history are left out; a target that is one of them is never found: Infinity.
 */
export function rankTargets(split: Split, scorer: Scorer, filterRated = true): Float64Array {
  return Float64Array.from(split.targets, (target, user) => {
    const scores = scorer(split, user);
    const candidates = Float64Array.from(scores);
    candidates[0] = -Infinity;
    if (filterRated) for (const item of split.inputs.at(user)) candidates[item] = -Infinity;
    if (candidates[target] === -Infinity) return Infinity;
    let rank = 1;
    for (const score of candidates) if (score > scores[target]!) rank++;
    return rank;
  });
}
