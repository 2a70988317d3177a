import type { Split } from './dataset.js';

/** Scores [N+1] of every item, by id, as the next one of a split's user (a line of it); entry 0 is unused. Valid until the next call. */
export type Scorer = (split: Split, user: number) => Float64Array;

/** What a model or a scorer makes of the users of a split. */
export interface Ranking {
  /**
   * [users] of each target among all items: 1 + the number of items that score higher. Infinity for a target that is in the
   * history when the history is left out, or whose score is no finite number.
   */
  readonly ranks: Float64Array;
  /** [users, top] the best items, best first, 0 where fewer remain. */
  readonly top: Uint32Array;
}

/**
 * The rank of each user's target among items 1..N: 1 + the number of items that score higher. With `filterRated` the items of the
 * user's history are left out; a target that is one of them is never found: Infinity.
 */
export function rankTargets(split: Split, scorer: Scorer, filterRated = true): Float64Array {
  return rankByScores(split, scorer, filterRated, 0).ranks;
}

/** The ranks of `rankTargets`, and the `top` best items of each user, the lower id first among equals. */
export function rankByScores(split: Split, scorer: Scorer, filterRated: boolean, top: number): Ranking {
  const best = new Uint32Array(split.targets.length * top);
  const ranks = Float64Array.from(split.targets, (target, user) => {
    const scores = scorer(split, user);
    const candidates = Float64Array.from(scores);
    candidates[0] = -Infinity;
    if (filterRated) for (const item of split.inputs.at(user)) candidates[item] = -Infinity;
    if (top > 0) selectBest(candidates, best.subarray(user * top, (user + 1) * top));
    if (candidates[target] === -Infinity) return Infinity;
    let rank = 1;
    for (const score of candidates) if (score > scores[target]) rank++;
    return rank;
  });
  return { ranks, top: best };
}

/** Fills `best` with the ids of the highest finite scores, in order. */
function selectBest(scores: Float64Array, best: Uint32Array): void {
  let found = 0;
  scores.forEach((score, item) => {
    const last = best.length - 1;
    if (score === -Infinity || (found > last && score <= scores[best[last]])) return;
    let at = found <= last ? found++ : last;
    for (; at > 0 && scores[best[at - 1]] < score; at--) best[at] = best[at - 1];
    best[at] = item;
  });
}
