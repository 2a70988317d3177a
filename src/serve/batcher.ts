import { GsasError } from '../base/errors.js';
import { attentionOver } from '../infer/explain.js';
import { type Recommendation, recommend } from '../infer/recommend.js';
import type { Model } from '../model/model.js';

/** One request's question. */
export interface Query {
  /** Item ids, oldest first. */
  readonly history: readonly number[];
  readonly top: number;
  /** Items that are not to be recommended. */
  readonly exclude: readonly number[];
  /** Whether to tell what the model looked at. */
  readonly explain: boolean;
}

export interface Answer {
  readonly items: readonly Recommendation[];
  /** With `explain`: see attentionOver. */
  readonly attention?: Float32Array;
}

interface Waiting {
  readonly query: Query;
  /** Of a client that has gone away: its question is dropped. */
  readonly signal: AbortSignal;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (reason: unknown) => void;
}

/** More questions wait than will be answered soon. */
export class BusyError extends GsasError {}

/** Questions that go into one pass over the GPU. */
export const MOST_TOGETHER = 64;

/**
 * Answers questions together: those that come while the GPU is at work are its next batch. So a lone request waits for nobody, and under
 * load the batch grows by itself.
 */
export class Batcher {
  readonly #waiting: Waiting[] = [];
  #working: Promise<void> | undefined;

  /**
   * @param mostWaiting questions in the queue; more are refused
   * @param onBatch told of each batch's questions
   */
  constructor(
    private readonly model: Model,
    private readonly mostWaiting: number,
    private readonly onBatch: (size: number) => void,
  ) {}

  get waiting(): number {
    return this.#waiting.length;
  }

  /** @throws BusyError when too many wait; what `recommend` throws; the signal's reason, once it is aborted before its turn */
  ask(query: Query, signal: AbortSignal): Promise<Answer> {
    if (this.#waiting.length >= this.mostWaiting) {
      throw new BusyError(`${this.mostWaiting} requests are waiting already; try again in a moment`);
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ query, signal, resolve, reject });
      this.#working ??= this.#work();
    });
  }

  /** Kept once nobody waits any longer. */
  async drained(): Promise<void> {
    await this.#working;
  }

  async #work(): Promise<void> {
    await undefined; // questions of the same turn of the event loop go together
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
    const [found, weights] = await Promise.all([
      recommend(
        this.model,
        queries.map(({ history }) => history),
        {
          top: Math.max(...queries.map(({ top }) => top)),
          filterRated: false,
          excludeEach: queries.map(({ exclude }) => exclude),
        },
      ),
      explained.length > 0
        ? attentionOver(
            this.model,
            explained.map(({ history }) => history),
          )
        : [],
    ]);
    return queries.map((query, i) => {
      const items = found[i].slice(0, query.top);
      return query.explain ? { items, attention: weights[explained.indexOf(query)] } : { items };
    });
  }
}
