import { InputError } from '../base/errors.js';
import type { History, Recommender } from './recommender.js';

/** How far the influence of a history's items is asked for. */
export interface InfluenceOptions {
  /** How many of the history's latest items are left out in turn; the recommender's window by default. The others count as 0. */
  readonly latest?: number;
  /** The user's line of `train` if known, as for `top`. */
  readonly user?: number | undefined;
  /** Aborting it ends the work before the next batch. */
  readonly signal?: AbortSignal;
}

/**
 * How much each item of a history raised the scores of some items, by leaving it out: score(history) − score(history without it). Unlike the weights of
 * attention it is exact, and a cause. The shorter histories are recommended for like any others, together in batches, so it works for every recommender.
 * Shares of several items do not add up to what they do together.
 * @param items whose scores are explained, 1 to 512, each once
 * @returns for each of them [history.length] the change by each item of the history, in the recommender's scores; 0 before its window
 * @throws InputError for a history of fewer than two items, which leaves nothing to recommend by; otherwise as `top`
 */
export async function influence(
  recommender: Recommender,
  history: History,
  items: readonly number[],
  { latest = recommender.window, user, signal }: InfluenceOptions = {},
): Promise<Float64Array[]> {
  if (history.length < 2) throw new InputError('the influence of items shows by leaving one out; give at least two');
  const { window } = recommender;
  // One item more than the window, because leaving an item out lets the one before the window in.
  const first = Math.max(0, history.length - window - 1);
  const known = Array.from({ length: history.length - first }, (_, i) => history[first + i]);
  const tried = Math.min(latest, window, history.length);
  const places = Array.from({ length: tried }, (_, i) => history.length - tried + i);
  const without = places.map((place) => known.filter((_, i) => first + i !== place));
  const lists = await recommender.top([known, ...without], {
    ...{ only: items, top: items.length, filterRated: false },
    ...{ users: Array(1 + tried).fill(user), ...(signal && { signal }) },
  });
  const [whole, ...rest] = lists.map((list) => new Map(list.map(({ item, score }) => [item, score])));
  return items.map((item) => {
    const changes = new Float64Array(history.length);
    places.forEach((place, i) => {
      changes[place] = whole.get(item)! - rest[i].get(item)!;
    });
    return changes;
  });
}

/** An item of a history and how much it changed a score. */
export interface Reason {
  /** Its place in the history, from 0. */
  readonly place: number;
  readonly change: number;
}

/** The items of a history that changed a score, those that raised it most first and those that lowered it most last. @param changes from `influence` */
export function reasonsIn(changes: ArrayLike<number>): Reason[] {
  return Array.from(changes, (change, place) => ({ place, change }))
    .filter(({ change }) => Number.isFinite(change) && change !== 0)
    .sort((a, b) => b.change - a.change);
}
