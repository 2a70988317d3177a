import { GsasError } from '../base/errors.js';
import type { Recommendation } from '../infer/answers.js';
import type { Recommender } from '../infer/recommender.js';

/** One request's question. */
export interface Query {
  /** Item ids, oldest first. */
  readonly history: readonly number[];
  readonly top: number;
  /** Items to leave out. */
  readonly exclude: readonly number[];
  /** Whether to return what the model looked at. */
  readonly explain: boolean;
}

export interface Answer {
  readonly items: readonly Recommendation[];
  /** With `explain`: how much each of the last items counted, see `Recommender`. */
  readonly weights?: Float32Array;
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

/**
 * Answers questions in batches: those that arrive while the GPU is at work are its next batch. So a lone request does not wait, and under load the batch
 * grows by itself.
 */
export class Batcher {
  readonly #waiting: Waiting[] = [];
  #working: Promise<void> | undefined;

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
      this.#working ??= this.#work();
    });
  }

  /** Resolves when no question waits any more. */
  async drained(): Promise<void> {
    await this.#working;
  }

  async #work(): Promise<void> {
    await undefined; // questions from the same turn of the event loop form one batch
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, MOST_TOGETHER);
      for (const { signal, reject } of batch) if (signal.aborted) reject(signal.reason);
      const wanted = batch.filter(({ signal }) => !signal.aborted);
      if (wanted.length === 0) continue;
      this.onBatch(wanted.length);
      try {
        const answers = await this.#answer(wanted.map(({ query }) => query));
        wanted.forEach(({ resolve }, i) => {
          resolve(answers[i]);
        });
      } catch (error) {
        for (const { reject } of wanted) reject(error);
      }
    }
    this.#working = undefined;
  }

  async #answer(queries: readonly Query[]): Promise<Answer[]> {
    const explained = queries.filter(({ explain }) => explain);
    const historiesOf = (some: readonly Query[]) => some.map(({ history }) => history);
    const [found, weights = []] = await Promise.all([
      this.recommender.top(historiesOf(queries), {
        top: Math.max(...queries.map(({ top }) => top)),
        filterRated: false,
        excludeEach: queries.map(({ exclude }) => exclude),
      }),
      explained.length > 0 ? this.recommender.explain?.(historiesOf(explained)) : [],
    ]);
    return queries.map((query, i) => {
      const items = found[i].slice(0, query.top);
      const own = weights[explained.indexOf(query)];
      return own ? { items, weights: own } : { items };
    });
  }
}
