import { InputError } from '../base/errors.js';
import { HostRandom } from '../base/philox.js';
import { type Dataset, Sequences, type Split } from './dataset.js';

/*
 * A world whose truth is known. Items have a genre and a Zipf popularity. The ten items of a series share a few successors in their genre, some much
 * likelier than others, so that what a model learns about one item helps with the others of its series; counts of transitions cannot do that. Each user
 * likes a few genres. The next item is drawn from the mixture
 *
 *   P(next | history, user) ~ [next not in history] * ( LAST     * successor(next | last item)
 *                                                     + PREVIOUS * successor(next | the item before it)
 *                                                     + TASTE    * taste_u(genre of next) * popularity(next | its genre)
 *                                                     + FASHION  * popularity(next) )
 *
 * and nothing else matters: on average no model can rank better than this P.
 */
const LAST = 0.55;
const PREVIOUS = 0.2;
const TASTE = 0.2;
const FASHION = 0.05;

const ZIPF = 0.9;
const SUCCESSORS = 8;
const SERIES = 10;
const TASTES = [0.6, 0.3, 0.1];
const SHORTEST = 10;
const LONGEST = 60;

// biome-ignore format: one line
const GENRES = ['action', 'adventure', 'animation', 'biography', 'comedy', 'crime', 'documentary', 'drama', 'family', 'fantasy', 'film noir', 'history', 'horror', 'musical', 'mystery', 'romance', 'science fiction', 'thriller', 'war', 'western'];

/** The size of the world. The defaults are 2,000 items, 3,000 users, 512 of them for validation, and seed 1. */
export interface SyntheticOptions {
  readonly items?: number;
  readonly users?: number;
  readonly valUsers?: number;
  readonly seed?: number;
}

/** A dataset drawn from a known model of users, and that model. */
export interface SyntheticDataset {
  readonly dataset: Dataset;
  /** [val users] which user each line of the validation split is; line i of the test split is user i. */
  readonly valUsers: Uint32Array;
  /**
   * [N+1] the true P(next | history, user), zero at entry 0 and at items of the history. Without a user, it is that of a stranger who likes every genre
   * equally.
   */
  oracleScores(user: number | undefined, history: ArrayLike<number>): Float64Array;
}

/** Items, their probabilities, and the sums of these up to each. */
interface Distribution {
  readonly items: readonly number[];
  readonly probabilities: readonly number[];
  readonly cumulative: readonly number[];
}

/** A part of the mixture and its weight. */
type Source = readonly [weight: number, distribution: Distribution];

/**
 * Draws a catalogue and its users' histories (10 to 60 items, none twice), split leave-one-out like the official layout: the last item is the test
 * target; for `valUsers` users the one before it is the validation target; everything before is for training.
 * @throws InputError for fewer than 200 items, since a genre must hold an item's successors
 */
export function syntheticDataset(options: SyntheticOptions = {}): SyntheticDataset {
  const { items = 2000, users = 3000, valUsers = 512, seed = 1 } = options;
  const fewest = GENRES.length * (SUCCESSORS + 2);
  if (items < fewest)
    throw new InputError(`a synthetic catalogue of ${items} items is too small; ask for at least ${fewest}`);
  const random = new HostRandom(seed);
  const catalogue = new Catalogue(items, random);
  const tastes = Array.from({ length: users }, () => catalogue.drawTaste(random));
  const histories = tastes.map((taste) => catalogue.drawHistory(taste, random));
  const chosen = random.shuffle(Uint32Array.from(histories.keys())).slice(0, valUsers).sort();

  const isVal = new Set(chosen);
  const val = Array.from(chosen, (user) => histories[user].slice(0, -1));
  const dataset: Dataset = {
    name: 'synthetic',
    numItems: items,
    train: Sequences.from(histories.map((history, user) => history.slice(0, isVal.has(user) ? -2 : -1))),
    val: { ...holdOutLast(val), users: chosen },
    test: { ...holdOutLast(histories), users: Uint32Array.from(histories.keys()) },
    titles: catalogue.titles(),
  };
  const oracleScores: SyntheticDataset['oracleScores'] = (user, history) =>
    catalogue.probabilities(user === undefined ? catalogue.anyTaste() : tastes[user], history);
  return { dataset, valUsers: chosen, oracleScores };
}

class Catalogue {
  readonly #genreOf: Uint8Array;
  readonly #everything: Distribution;
  readonly #genres: Distribution[];
  /** By item; entry 0 is unused. */
  readonly #successors: Distribution[];

  constructor(
    readonly numItems: number,
    random: HostRandom,
  ) {
    const items = Array.from({ length: numItems }, (_, i) => i + 1);
    const popularity = new Float64Array(numItems + 1);
    random.shuffle([...items]).forEach((item, i) => {
      popularity[item] = (i + 1) ** -ZIPF;
    });
    this.#genreOf = random.shuffle(Uint8Array.from({ length: numItems + 1 }, (_, i) => i % GENRES.length));
    const among = (members: number[]) =>
      distribution(
        members,
        members.map((item) => popularity[item]),
      );
    this.#everything = among(items);
    this.#genres = GENRES.map((_, genre) => among(items.filter((item) => this.#genreOf[item] === genre)));
    this.#successors = Array.from({ length: numItems + 1 });
    for (const { items: genre } of this.#genres) {
      for (let first = 0; first < genre.length; first += SERIES) {
        const successors = this.#drawSuccessors(genre, popularity, random);
        for (const item of genre.slice(first, first + SERIES)) this.#successors[item] = successors;
      }
    }
  }

  /** Distinct items of a genre, more popular ones chosen more often; the r-th is 1/r as likely as the first. */
  #drawSuccessors(genre: readonly number[], popularity: Float64Array, random: HostRandom): Distribution {
    const attraction = distribution(
      genre,
      genre.map((other) => Math.sqrt(popularity[other])),
    );
    const chosen = new Set<number>();
    while (chosen.size < SUCCESSORS) chosen.add(draw(attraction, random));
    return distribution(
      [...chosen],
      Array.from(chosen.keys(), (_, r) => 1 / (r + 1)),
    );
  }

  /** What a user likes: each genre's share of TASTE. */
  drawTaste(random: HostRandom): Source[] {
    const genres = random.shuffle([...GENRES.keys()]);
    return TASTES.map((share, i) => [TASTE * share, this.#genres[genres[i]]]);
  }

  /** What a user likes on average, over all users that could be drawn. */
  anyTaste(): Source[] {
    return this.#genres.map((genre) => [TASTE / GENRES.length, genre]);
  }

  drawHistory(taste: readonly Source[], random: HostRandom): number[] {
    const history: number[] = [];
    const length = SHORTEST + random.integer(LONGEST - SHORTEST + 1);
    while (history.length < length) {
      const sources = this.#sources(taste, history);
      const weights = distribution(
        [...sources.keys()],
        sources.map(([weight]) => weight),
      );
      // Drawing again from the whole mixture until the item is new is drawing from the mixture over new items.
      let item: number;
      do item = draw(sources[draw(weights, random)][1], random);
      while (history.includes(item));
      history.push(item);
    }
    return history;
  }

  probabilities(taste: readonly Source[], history: ArrayLike<number>): Float64Array {
    const scores = new Float64Array(this.numItems + 1);
    for (const [weight, { items, probabilities }] of this.#sources(taste, history)) {
      for (let i = 0; i < items.length; i++) scores[items[i]] += weight * probabilities[i];
    }
    for (let i = 0; i < history.length; i++) scores[history[i]] = 0;
    const total = scores.reduce((sum, score) => sum + score);
    return scores.map((score) => score / total);
  }

  /** The mixture after a history. The first two items of a history have fewer predecessors. */
  #sources(taste: readonly Source[], history: ArrayLike<number>): Source[] {
    const sources: Source[] = [...taste, [FASHION, this.#everything]];
    const n = history.length;
    if (n > 0) sources.push([LAST, this.#successors[history[n - 1]]]);
    if (n > 1) sources.push([PREVIOUS, this.#successors[history[n - 2]]]);
    return sources;
  }

  /** Such as 'film noir 17': the genre, and the item's place in it. */
  titles(): Map<number, string> {
    return new Map(
      this.#genres.flatMap(({ items }, genre) => items.map((item, i) => [item, `${GENRES[genre]} ${i + 1}`] as const)),
    );
  }
}

function holdOutLast(histories: number[][]): Split {
  return {
    inputs: Sequences.from(histories.map((history) => history.slice(0, -1))),
    targets: Uint32Array.from(histories, (history) => history.at(-1)!),
  };
}

function distribution(items: readonly number[], weights: readonly number[]): Distribution {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const probabilities = weights.map((weight) => weight / total);
  let sum = 0;
  return { items, probabilities, cumulative: probabilities.map((p) => (sum += p)) };
}

function draw({ items, cumulative }: Distribution, random: HostRandom): number {
  const u = random.uniform();
  let low = 0;
  let high = items.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (cumulative[middle] > u) high = middle;
    else low = middle + 1;
  }
  return items[low];
}
