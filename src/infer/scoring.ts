import { isSeen } from '../data/batches.js';
import type { Split } from '../data/dataset.js';
import type { Ranking } from '../data/rank.js';
import type { Recommendation, TopBatch } from './answers.js';
import { type History, type RankOptions, Recommender } from './recommender.js';

/** A recommender that scores every item on the host. */
export interface Scoring {
  /** As tables and reports show it. */
  readonly name: string;
  readonly numItems: number;
  /** How many of a history's latest items it looks at. */
  readonly window: number;
  /** What its scores mean, in a sentence. */
  readonly meaning: string;
  /**
   * @param history item ids, oldest first, at least one
   * @param user the user's line of `train`, if known
   * @returns [N + 1] the score of each item by its id; entry 0 is unused. Valid until the next call. An item whose score is not finite is never recommended
   */
  scores(history: History, user: number | undefined): Float64Array;
  /** The probability that an item with this score is the next one. */
  probability?(score: number): number;
}

/** Users between two checks of the signal, at which other tasks get a turn. */
const BATCH = 256;

/** Recommends by scores computed on the host: counts, or anything else that a `Scoring` computes. */
export class ScoringRecommender extends Recommender {
  readonly name: string;
  readonly numItems: number;
  readonly window: number;
  readonly meaning: string;
  override readonly probability: ((score: number) => number) | undefined;
  protected readonly batchRows = BATCH;

  constructor(private readonly scoring: Scoring) {
    super();
    this.name = scoring.name;
    this.numItems = scoring.numItems;
    this.window = scoring.window;
    this.meaning = scoring.meaning;
    this.probability = scoring.probability && ((score) => scoring.probability!(score));
  }

  /** The rank of each target is 1 + the number of items that score higher. Among the best items, equal scores are ordered by id. */
  async rank(split: Split, { filterRated = true, top = 0, signal, onProgress }: RankOptions = {}): Promise<Ranking> {
    const { inputs, targets, users } = split;
    const best = new Uint32Array(targets.length * top);
    const ranks = new Float64Array(targets.length);
    for (const [line, target] of targets.entries()) {
      if (line % BATCH === 0) await this.#pause(line, targets.length, signal, onProgress);
      const history = inputs.at(line);
      const scores = this.scoring.scores(history, users?.[line]);
      const candidates = Float64Array.from(scores);
      candidates[0] = -Infinity;
      if (filterRated) for (const item of history) candidates[item] = -Infinity;
      if (top > 0) best.set(bestOf(candidates, top), line * top);
      ranks[line] = rankOf(candidates, target);
    }
    onProgress?.(targets.length, targets.length);
    return { ranks, top: best };
  }

  protected async best({ histories, users, excluded, top }: TopBatch): Promise<Recommendation[][]> {
    return histories.map((history, row) => {
      const scores = this.scoring.scores(history, users[row]);
      const candidates = scores.map((score, item) =>
        item === 0 || isSeen(excluded, row, item, this.numItems) ? -Infinity : score,
      );
      return bestOf(candidates, top).map((item) => ({ item, score: scores[item] }));
    });
  }

  async #pause(
    done: number,
    users: number,
    signal: AbortSignal | undefined,
    onProgress: RankOptions['onProgress'],
  ): Promise<void> {
    if (done > 0) {
      onProgress?.(done, users);
      await new Promise((resolve) => setTimeout(resolve)); // otherwise no signal could arrive
    }
    signal?.throwIfAborted();
  }
}

/** 1 + the number of items that score higher; Infinity for a target that is left out. */
function rankOf(scores: Float64Array, target: number): number {
  if (!Number.isFinite(scores[target])) return Infinity;
  let rank = 1;
  for (const score of scores) if (score > scores[target]) rank++;
  return rank;
}

/** The ids of the `most` highest finite scores, best first, equal scores by id; fewer if fewer are finite. */
function bestOf(scores: Float64Array, most: number): number[] {
  const best: number[] = [];
  scores.forEach((score, item) => {
    if (!Number.isFinite(score) || (best.length === most && score <= scores[best[most - 1]])) return;
    let at = best.length < most ? best.push(item) - 1 : most - 1;
    for (; at > 0 && scores[best[at - 1]] < score; at--) best[at] = best[at - 1];
    best[at] = item;
  });
  return best;
}
