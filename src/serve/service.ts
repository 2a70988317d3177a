import { GsasError, InputError } from '../base/errors.js';
import type { Recommendation } from '../infer/answers.js';
import { type Reason, reasonsIn } from '../infer/influence.js';
import type { Recommender } from '../infer/recommender.js';
import type { ExampleUser } from '../store/examples.js';
import { ItemFinder } from '../store/find.js';
import type { ItemNames } from '../store/titles.js';
import type { KnownUsers } from '../store/users.js';
import type { Answer, Batcher, Query } from './batcher.js';
import type { ModelCard } from './card.js';
import { type ListWish, MOST_HISTORY, QUESTION_KEYS, Question, SIMILAR_KEYS, type UnknownItem } from './question.js';

/** What a service answers with. */
export interface ServedModel {
  readonly recommender: Recommender;
  /** Of its items. Questions may ask for categories and a minimum popularity where these are among the names. */
  readonly names: ItemNames;
  /** The users whom a question may name, read when the first one does (see `knownUsers`). Its errors are answers. */
  readonly users?: () => KnownUsers;
  /** Whether seen items are left out if a request does not say; true by default. */
  readonly filterRated?: boolean;
  /** Training steps that led to the weights, for /health. */
  readonly step?: number;
  /** Where it comes from and how good it is, for /health. */
  readonly card?: ModelCard | undefined;
  /** Users on whom to try it, read when they are first asked for. There are none if it throws, as when the data has moved, and none for other machines. */
  readonly examples?: () => readonly ExampleUser[];
}

/** An item in the service's answers. */
export interface NamedItem {
  item: number;
  original_id?: string;
  title?: string;
  category?: string;
}

/** An item in a list, with its score. A calibrated model adds the probability that it is the next item. */
export type ScoredItem = NamedItem & { score: number; probability?: number };

/** Texts of a request that are not items of the model, and items that may have been meant. */
export type UnknownTexts = { text: string; nearest: NamedItem[] }[];

/** The answer to a POST of /recommend. */
export interface RecommendReply {
  /** Best first. */
  items: (ScoredItem & {
    /**
     * With `why`, for a history of more than one item: the items of `history` whose absence would change the score, by their places in it, and how much
     * lower the score would be. What raised it most comes first. Of a long history the latest 50 are looked at.
     */
    why?: Reason[];
  })[];
  /** The history as it was understood. With `explain`, each item has the weight that the model gave it, 0 beyond its window. */
  history: (NamedItem & { weight?: number })[];
  unknown: UnknownTexts;
}

/** The answer to a GET of /similar. */
export interface SimilarReply {
  /** The item that was asked about, as it was understood. */
  similar_to: NamedItem;
  /** The most similar first. */
  items: ScoredItem[];
  unknown: UnknownTexts;
}

/** A user on whom to try the model, in the answer to a GET of /examples. */
export interface UserExample {
  /** Their id in the log. */
  user: string;
  /** Oldest first. */
  history: NamedItem[];
  /** What followed, if it was held out of training. */
  next?: NamedItem;
}

export const MOST_FOUND = 50;

/** A model's answers, without HTTP. */
export class Service {
  readonly #finder: ItemFinder;
  #users: KnownUsers | undefined;
  #examples: readonly ExampleUser[] | undefined;

  constructor(
    private readonly batcher: Batcher,
    private readonly model: ServedModel,
  ) {
    this.#finder = new ItemFinder(model.names, model.recommender.numItems);
  }

  /** What /health says of the model. */
  get about() {
    const { recommender, step, card } = this.model;
    const { name, numItems, window, meaning, explain, adapter } = recommender;
    return {
      ...{ model: name, items: numItems, window, explains: explain !== undefined, scores: meaning },
      ...(step !== undefined && { step }),
      ...(adapter !== undefined && { adapter }),
      ...card,
    };
  }

  /** How many questions wait for the GPU. */
  get waiting(): number {
    return this.batcher.waiting;
  }

  /** @throws what would prevent an answer, such as a lost device */
  check(): void {
    this.model.recommender.check();
  }

  /** Gives the model's memory back. Nothing may be asked any more. */
  release(): void {
    this.model.recommender.release();
  }

  /**
   * @param body a parsed request, see QUESTION_KEYS: `history` (ids of the log, titles, or numbers of items, oldest first) or `user` (an id of the log), and
   *   what is wanted of the list
   * @throws InputError for mistakes in the request, NothingKnown among them; what the batcher throws
   */
  async recommend(body: unknown, signal: AbortSignal): Promise<RecommendReply> {
    const { recommender, filterRated = true } = this.model;
    const question = new Question(body as Record<string, unknown>, QUESTION_KEYS, this.#finder);
    const filterSeen = question.flag('filter_seen', filterRated);
    const explain = question.flag('explain', false);
    if (explain && !recommender.explain)
      throw new InputError(`${recommender.name} has no attention that could explain its answers; leave out explain`);
    const why = question.flag('why', false);
    const { history, ...user } = this.#historyOf(question);
    const { exclude, ...wish } = this.#listOf(question);
    const out = filterSeen ? [...history, ...exclude] : exclude;
    const query: Query = { ...wish, history, exclude: out, explain, why, ...user };
    const { items, weights, changes } = await this.batcher.ask(query, signal);
    return {
      items: this.#scored(items).map((item, i) => ({ ...item, ...(changes && { why: reasonsIn(changes[i]) }) })),
      history: this.#weighed(history, weights),
      unknown: this.unknownTexts(question.unknown),
    };
  }

  /**
   * @param asked a parsed request, see SIMILAR_KEYS
   * @throws InputError as `recommend`, and for a model that knows nothing about items
   */
  async similar(asked: Record<string, unknown>, signal: AbortSignal): Promise<SimilarReply> {
    const question = new Question(asked, SIMILAR_KEYS, this.#finder);
    if (!question.has('item')) throw new InputError('say which item: /similar?item=ID, or its title');
    const [item] = question.someItems('item', 1, 'give an id or a title');
    const query: Query = { ...this.#listOf(question), history: [item], similar: true, explain: false };
    const { items } = await this.batcher.ask(query, signal);
    return {
      similar_to: this.named(item),
      items: this.#scored(items),
      unknown: this.unknownTexts(question.unknown),
    };
  }

  /** Items whose id or title is like the text, best first. @param limit at most MOST_FOUND */
  find(text: string, limit: number): NamedItem[] {
    return this.#finder.search(text, limit).map((item) => this.named(item));
  }

  /** Users on whom to try the model. */
  examples(): UserExample[] {
    this.#examples ??= this.#readExamples();
    return this.#examples.map(({ user, history, next }) => ({
      ...{ user, history: history.map((item) => this.named(item)) },
      ...(next !== undefined && { next: this.named(next) }),
    }));
  }

  #readExamples(): readonly ExampleUser[] {
    try {
      return this.model.examples?.() ?? [];
    } catch (error) {
      if (error instanceof GsasError) return [];
      throw error;
    }
  }

  named(item: number): NamedItem {
    const { titles, originals, categories } = this.#finder.names;
    const [original, title, category] = [originals.get(item), titles.get(item), categories?.get(item)];
    return {
      ...{ item, ...(original !== undefined && { original_id: original }) },
      ...(title !== undefined && { title }),
      ...(category !== undefined && { category }),
    };
  }

  /** What `unknown` in an answer says of texts that are no items. */
  unknownTexts(unknown: readonly UnknownItem[]): UnknownTexts {
    return unknown.map(({ text, nearest }) => ({ text, nearest: nearest.map((item) => this.named(item)) }));
  }

  #historyOf(question: Question): { history: number[]; user?: number } {
    if (question.has('user') === question.has('history'))
      throw new InputError(
        question.has('user')
          ? 'give history or user, not both'
          : 'history must be a list of item ids or titles; or name a user of the data by user',
      );
    if (!question.has('user'))
      return { history: question.someItems('history', MOST_HISTORY, 'give ids or titles, oldest first') };
    const { users } = this.model;
    if (!users) throw new InputError('the users of the data are not known here; give a history');
    this.#users ??= users();
    const { number, history } = question.user(this.#users);
    return { history: Array.from(history), user: number };
  }

  #listOf(question: Question): Omit<ListWish, 'perCategory'> & Pick<Query, 'perCategory'> {
    const { perCategory: most, ...wish } = question.list();
    const of = this.#finder.names.categories;
    return { ...wish, ...(most !== undefined && of && { perCategory: { most, of } }) };
  }

  #scored(list: readonly Recommendation[]): ScoredItem[] {
    return list.map(({ item, ...scores }) => ({ ...this.named(item), ...scores }));
  }

  #weighed(history: readonly number[], weights: Answer['weights']): RecommendReply['history'] {
    const before = history.length - (weights?.length ?? 0); // beyond the window
    return history.map((item, i) => ({ ...this.named(item), ...(weights && { weight: weights[i - before] ?? 0 }) }));
  }
}
