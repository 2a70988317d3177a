import type { NumericChoice, Settings } from '../base/options.js';
import { countItems } from '../data/counts.js';
import type { Dataset } from '../data/dataset.js';
import type { SyntheticDataset } from '../data/synthetic.js';
import { ITEM_KNN_OPTIONS, itemKnn } from './item-knn.js';
import type { Recommender } from './recommender.js';
import { ScoringRecommender } from './scoring.js';

/** A recommender that only counts the training sequences, by the name that `--model` takes. */
export interface Baseline extends NumericChoice {
  recommender(dataset: Dataset, settings: Settings): Recommender;
}

const ALL = [
  { name: 'popularity', help: 'what occurs most often', options: {}, recommender: popularity },
  { name: 'markov', help: 'what came most often right after the last item', options: {}, recommender: markov },
  {
    name: 'item-knn',
    help: 'what the same users have as the items of the history',
    options: ITEM_KNN_OPTIONS,
    recommender: itemKnn,
  },
] as const satisfies readonly Baseline[];

/** All baselines by name. */
export const BASELINES: Readonly<Record<string, Baseline>> = Object.fromEntries(ALL.map((one) => [one.name, one]));

/** Recommends what occurs most often in the training sequences. */
export function popularity(dataset: Dataset): Recommender {
  const counts = countItems(dataset);
  return new ScoringRecommender({
    name: 'popularity',
    numItems: dataset.numItems,
    window: 0,
    meaning: 'scores are occurrences in training',
    scores: () => counts,
  });
}

/**
 * First-order Markov: recommends what most often came right after the history's last item in the training sequences; equal counts, mostly zeros, by
 * popularity.
 */
export function markov(dataset: Dataset): Recommender {
  const counts = countItems(dataset);
  // Below 1, so that it never outweighs a transition.
  const tieBreak = counts.map((count) => count / (dataset.train.items.length + 1));
  const transitions = countTransitions(dataset);
  return new ScoringRecommender({
    name: 'first-order Markov counts',
    numItems: dataset.numItems,
    window: 1,
    meaning:
      'scores are how often an item came right after the last one in training; what is below 1 is its popularity',
    scores(history) {
      const scores = Float64Array.from(tieBreak);
      for (const [next, count] of transitions[history[history.length - 1]]) scores[next] += count;
      return scores;
    },
  });
}

/** Recommends by the true probabilities of a synthetic catalogue, which nothing beats on average. It knows the users of the dataset. */
export function oracle({ dataset, oracleScores }: SyntheticDataset): Recommender {
  return new ScoringRecommender({
    name: 'oracle (knows the truth)',
    numItems: dataset.numItems,
    window: 2,
    meaning: 'scores are the true probabilities',
    scores: (history, user) => oracleScores(user, history),
    probability: (score) => score,
  });
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
