import type { Option } from '../base/options.js';
import type { Dataset } from '../data/dataset.js';
import type { Recommender } from './recommender.js';
import { ScoringRecommender } from './scoring.js';

/** Options of `itemKnn`, with the defaults of RecBole's ItemKNN but for the shrinkage, which it leaves at 0. */
export const ITEM_KNN_OPTIONS = {
  knn_neighbours: { type: 'integer', default: 100, min: 1, max: 10_000, help: 'neighbours that an item keeps' },
  knn_shrinkage: {
    type: 'number',
    default: 10,
    min: 0,
    max: 1e9,
    help: 'added to the denominator of the cosine, against similarities that rest on few users',
  },
} as const satisfies Record<string, Option>;

/** An item's neighbours and how similar they are, the most similar first. */
interface Neighbours {
  readonly items: Uint32Array;
  readonly similarities: Float64Array;
}

/**
 * Item-based nearest neighbours: an item's score is the sum of its similarities to the items of the history that keep it as a neighbour. Two items
 * that n users have in common, of the n_a and n_b who have one of them, are n / (sqrt(n_a n_b) + shrinkage) alike: Sarwar et al., "Item-based collaborative
 * filtering recommendation algorithms", WWW 2001, with the shrinkage of Bell and Koren, ICDM 2007. The order and the repetitions of a history do not count.
 * An item's neighbours are looked for when a history has it first.
 */
export function itemKnn(
  { numItems, train }: Dataset,
  {
    knn_neighbours: most = ITEM_KNN_OPTIONS.knn_neighbours.default,
    knn_shrinkage: shrinkage = ITEM_KNN_OPTIONS.knn_shrinkage.default,
  }: { readonly knn_neighbours?: number; readonly knn_shrinkage?: number } = {},
): Recommender {
  const baskets = Array.from({ length: train.count }, (_, user) => Uint32Array.from(new Set(train.at(user))));
  const owners = ownersOf(baskets, numItems);
  const common = new Float64Array(numItems + 1);
  const known = new Map<number, Neighbours>();
  const neighboursOf = (item: number): Neighbours => {
    const found = known.get(item) ?? nearest(item, { owners, baskets, common, most, shrinkage });
    known.set(item, found);
    return found;
  };
  const scores = new Float64Array(numItems + 1);
  return new ScoringRecommender({
    name: 'item-based nearest neighbours',
    numItems,
    window: Number.MAX_SAFE_INTEGER,
    meaning: 'scores are sums of similarities to the items of the history',
    scores(history) {
      scores.fill(0);
      for (const item of new Set(Array.from(history))) {
        const { items, similarities } = neighboursOf(item);
        items.forEach((neighbour, i) => {
          scores[neighbour] += similarities[i];
        });
      }
      return scores;
    },
  });
}

/** [N + 1] for each item the users who have it, in order. */
function ownersOf(baskets: readonly Uint32Array[], numItems: number): Uint32Array[] {
  const counts = new Uint32Array(numItems + 1);
  for (const basket of baskets) for (const item of basket) counts[item]++;
  const owners = Array.from(counts, (count) => new Uint32Array(count));
  const filled = new Uint32Array(numItems + 1);
  baskets.forEach((basket, user) => {
    for (const item of basket) owners[item][filled[item]++] = user;
  });
  return owners;
}

/** @param common [N + 1] scratch memory: all 0, and again at the end */
function nearest(
  item: number,
  {
    owners,
    baskets,
    common,
    most,
    shrinkage,
  }: {
    owners: readonly Uint32Array[];
    baskets: readonly Uint32Array[];
    common: Float64Array;
    most: number;
    shrinkage: number;
  },
): Neighbours {
  const met: number[] = [];
  for (const user of owners[item]) {
    for (const other of baskets[user]) if (common[other]++ === 0) met.push(other);
  }
  const candidates = met
    .filter((other) => other !== item)
    .map((other) => {
      const norm = Math.sqrt(owners[item].length * owners[other].length) + shrinkage;
      return { other, similarity: common[other] / norm };
    })
    .sort((a, b) => b.similarity - a.similarity || a.other - b.other)
    .slice(0, most);
  for (const other of met) common[other] = 0;
  return {
    items: Uint32Array.from(candidates, ({ other }) => other),
    similarities: Float64Array.from(candidates, ({ similarity }) => similarity),
  };
}
