import { GsasError } from '../base/errors.js';
import type { Recommendation } from '../infer/answers.js';
import { influence } from '../infer/influence.js';
import type { CategoryLimit } from '../infer/per-category.js';
import type { Recommender } from '../infer/recommender.js';

/** One request's question. */
export interface Query {
  /** Item ids, oldest first; with `similar` one item. */
  readonly history: readonly number[];
  /** The number of the user whose history it is, from 0, if it is one of the data's. */
  readonly user?: number;
  /** Whether items like the one of the history are wanted, instead of what comes next. */
  readonly similar?: boolean;
  readonly top: number;
  /** Items to leave out. */
  readonly exclude: readonly number[];
  /** The only items that may be in the answer; all if left out. */
  readonly only?: readonly number[];
  readonly perCategory?: CategoryLimit;
  /** Whether to return what the model looked at. */
  readonly explain: boolean;
  /** Whether to return what each item of the history did to the scores. */
  readonly why?: boolean;
}

export interface Answer {
  readonly items: readonly Recommendation[];
  /** With `explain`: how much each of the last items counted, see `Recommender`. */
  readonly weights?: Float32Array;
  /** With `why`, of more than one item in the history: see `influence`, a list for each item of the answer. */
  readonly changes?: readonly Float64Array[];
}

interface Waiting {
  readonly query: Query;
  /** A client that has disconnected: its question is dropped. */
  readonly signal: AbortSignal;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (reason: unknown) => void;
}

/** Too many questions are waiting. */
export class BusyError extends GsasError {}

/** The most questions in one pass over the GPU. */
export const MOST_TOGETHER = 64;

/** The most items of a history that are left out in turn to say why, the latest ones. Each is a history of its own to answer for. */
const MOST_LEFT_OUT = 50;

/**
 * Answers questions in batches: those that arrive while the GPU is at work are its next batch. So a lone request does not wait, and under load the batch
 * grows by itself.
 */
export class Batcher {
  readonly #waiting: Waiting[] = [];
  #working = false;

  /**
   * @param mostWaiting questions in the queue; more are refused
   * @param onBatch called with the number of questions in each batch
   */
  constructor(
    private readonly recommender: Recommender,
    private readonly mostWaiting: number,
    private readonly onBatch: (size: number) => void,
  ) {}

  get waiting(): number {
    return this.#waiting.length;
  }

  /** @throws BusyError if too many wait; what `Recommender.top` throws; the signal's reason if it is aborted before its turn */
  ask(query: Query, signal: AbortSignal): Promise<Answer> {
    if (this.#waiting.length >= this.mostWaiting) {
      throw new BusyError(`${this.mostWaiting} requests are waiting already; try again in a moment`);
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ query, signal, resolve, reject });
      if (!this.#working) void this.#work();
    });
  }

  async #work(): Promise<void> {
    this.#working = true;
    await undefined; // questions from the same turn of the event loop form one batch
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, MOST_TOGETHER);
      for (const { signal, reject } of batch) if (signal.aborted) reject(signal.reason);
      const wanted = batch.filter(({ signal }) => !signal.aborted);
      if (wanted.length === 0) continue;
      this.onBatch(wanted.length);
      await Promise.all(Array.from(groupsOf(wanted), (group) => this.#settle(group)));
    }
    this.#working = false;
  }

  async #settle(group: readonly Waiting[]): Promise<void> {
    try {
      const answers = await this.#answer(group.map(({ query }) => query));
      group.forEach(({ resolve }, i) => {
        resolve(answers[i]);
      });
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }

  async #answer(queries: readonly Query[]): Promise<Answer[]> {
    const { recommender } = this;
    const explained = queries.filter(({ explain }) => explain);
    const historiesOf = (some: readonly Query[]) => some.map(({ history }) => history);
    const { similar, perCategory } = queries[0];
    const options = {
      top: Math.max(...queries.map(({ top }) => top)),
      excludeEach: queries.map(({ exclude }) => exclude),
      onlyEach: queries.map(({ only }) => only),
      ...(perCategory && { perCategory }),
    };
    const lists = () =>
      similar
        ? recommender.similar(
            queries.map(({ history: [item] }) => item),
            options,
          )
        : recommender.top(historiesOf(queries), {
            ...{ ...options, filterRated: false },
            users: queries.map(({ user }) => user),
          });
    const [found, weights = []] = await Promise.all([
      lists(),
      explained.length > 0 ? recommender.explain?.(historiesOf(explained)) : [],
    ]);
    return Promise.all(
      queries.map(async (query, i) => {
        const items = found[i].slice(0, query.top);
        const own = weights[explained.indexOf(query)];
        const changes = await this.#changes(query, items);
        return { items, ...(own && { weights: own }), ...(changes && { changes }) };
      }),
    );
  }

  async #changes({ why, history, user }: Query, items: Answer['items']): Promise<Float64Array[] | undefined> {
    if (!why || history.length < 2 || items.length === 0) return undefined;
    const explained = items.map(({ item }) => item);
    return influence(this.recommender, history, explained, { latest: MOST_LEFT_OUT, user });
  }
}

/** Questions that one call of the recommender can answer: of the same kind, and with the same limit on categories. Nobody waits for another's `why`. */
function groupsOf(waiting: readonly Waiting[]): Iterable<Waiting[]> {
  const groups = new Map<string, Waiting[]>();
  for (const one of waiting) {
    const { similar = false, why = false, perCategory } = one.query;
    const key = `${similar} ${why} ${perCategory?.most}`;
    const group = groups.get(key);
    if (group) group.push(one);
    else groups.set(key, [one]);
  }
  return groups.values();
}
