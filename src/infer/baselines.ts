import { countItems } from '../data/counts.js';
import type { Dataset } from '../data/dataset.js';
import type { Scorer } from '../data/rank.js';

/** Scores an item by how often it occurs in the training sequences. */
export function popularityScores(dataset: Dataset): Scorer {
  const counts = countItems(dataset);
  return () => counts;
}

/**
 * First-order Markov: scores an item by how often it came right after the last item of the history in the training sequences,
 * equal counts (zero above all) by popularity.
 */
export function markovScores(dataset: Dataset): Scorer {
  const popularity = countItems(dataset);
  // Below 1, so that it never outweighs a transition.
  const tieBreak = popularity.map((count) => count / (dataset.train.items.length + 1));
  const transitions = countTransitions(dataset);
  return (split, user) => {
    const scores = Float64Array.from(tieBreak);
    for (const [next, count] of transitions[split.inputs.tail(user, 1)[0]]) scores[next] += count;
    return scores;
  };
}

/** For each item, how often each other item came right after it. */
function countTransitions({ numItems, train }: Dataset): Map<number, number>[] {
  const transitions = Array.from({ length: numItems + 1 }, () => new Map<number, number>());
  for (let user = 0; user < train.count; user++) {
    const items = train.at(user);
    for (let i = 1; i < items.length; i++) {
      const after = transitions[items[i - 1]];
      after.set(items[i], (after.get(items[i]) ?? 0) + 1);
    }
  }
  return transitions;
}
