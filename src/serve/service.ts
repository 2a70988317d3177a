import { InputError } from '../base/errors.js';
import { unknownName } from '../base/options.js';
import { quoted } from '../base/printable.js';
import type { Recommender } from '../infer/recommender.js';
import { MOST_TOP_K } from '../kernels/score/top_k/index.js';
import type { ItemFinder } from '../store/find.js';
import type { Answer, Batcher, Query } from './batcher.js';

/** An item in the service's answers. */
export interface NamedItem {
  item: number;
  original_id?: string;
  title?: string;
}

/** The answer to a POST of /recommend. */
export interface RecommendReply {
  /** Best first. A calibrated model adds the probability that each is the next item. */
  items: (NamedItem & { score: number; probability?: number })[];
  /** The history as it was understood. With `explain`, each item has the weight that the model gave it, 0 beyond its window. */
  history: (NamedItem & { weight?: number })[];
  /** Texts of the request that are not items of the model, and items that may have been meant. */
  unknown: { text: string; nearest: NamedItem[] }[];
}

const KEYS = ['history', 'top', 'exclude', 'filter_seen', 'explain'];
export const MOST_HISTORY = 10_000;
export const MOST_EXCLUDED = 100_000;
export const DEFAULT_TOP = 10;
export const MOST_FOUND = 50;
/** The most texts of a list whose meaning is guessed if no item has them as id or title. Each guess looks at every title. */
const MOST_GUESSES = 16;

/** Nothing of a history is an item of the model; `unknown` says what it may have meant. */
export class NothingKnown extends InputError {
  constructor(readonly unknown: RecommendReply['unknown']) {
    super('history has no item of this model; give ids or titles, oldest first');
  }
}

/** The service's answers, without HTTP. */
export class Service {
  constructor(
    private readonly batcher: Batcher,
    private readonly recommender: Recommender,
    private readonly finder: ItemFinder,
    private readonly filterRated: boolean,
  ) {}

  /**
   * @param body a parsed request: `history` (item numbers, ids of the log or titles, oldest first) and optionally `top`, `exclude`,
   *   `filter_seen` and `explain`
   * @throws InputError for mistakes in the request; what the batcher throws
   */
  async recommend(body: unknown, signal: AbortSignal): Promise<RecommendReply> {
    if (typeof body !== 'object' || body === null || Array.isArray(body))
      throw new InputError('the body must be an object, such as {"history": [12, 7], "top": 10}');
    const stray = Object.keys(body).find((key) => !KEYS.includes(key));
    if (stray !== undefined) throw unknownName('key', stray, KEYS);
    const given = body as Record<string, unknown>;
    const top = given.top ?? DEFAULT_TOP;
    if (typeof top !== 'number' || !Number.isInteger(top) || top < 1 || top > MOST_TOP_K)
      throw new InputError(`top is ${quoted(top)}; it must be a whole number from 1 to ${MOST_TOP_K}`);
    const filterSeen = flag(given, 'filter_seen', this.filterRated);
    const explain = flag(given, 'explain', false);
    if (explain && !this.recommender.explain)
      throw new InputError(
        `${this.recommender.name} has no attention that could explain its answers; leave out explain`,
      );
    const unknown: RecommendReply['unknown'] = [];
    const history = this.#items(given.history, 'history', MOST_HISTORY, unknown);
    if (history.length === 0) throw new NothingKnown(unknown);
    const excluded = this.#items(given.exclude ?? [], 'exclude', MOST_EXCLUDED, unknown);
    const query: Query = { history, top, exclude: filterSeen ? [...history, ...excluded] : excluded, explain };
    return this.#reply(query, await this.batcher.ask(query, signal), unknown);
  }

  /** Items whose id or title is like the text, best first. @param limit at most MOST_FOUND */
  find(text: string, limit: number): NamedItem[] {
    return this.finder.search(text, limit).map((item) => this.#named(item));
  }

  #reply({ history }: Query, { items, weights }: Answer, unknown: RecommendReply['unknown']): RecommendReply {
    const before = history.length - (weights?.length ?? 0); // beyond the window
    return {
      items: items.map(({ item, ...scores }) => ({ ...this.#named(item), ...scores })),
      history: history.map((item, i) => ({
        ...this.#named(item),
        ...(weights && { weight: weights[i - before] ?? 0 }),
      })),
      unknown,
    };
  }

  #items(list: unknown, key: string, most: number, unknown: RecommendReply['unknown']): number[] {
    if (!Array.isArray(list)) throw new InputError(`${key} must be a list of item ids or titles`);
    if (list.length > most) throw new InputError(`${key} has ${list.length} items; ${most} is the most`);
    let guesses = MOST_GUESSES;
    return list.flatMap((entry: unknown) => {
      const text = textOf(entry);
      if (text === undefined)
        throw new InputError(
          `${key} has ${quoted(entry)}; an item is a number or a text, which is its id or title, or {"item": N} by the model's number`,
        );
      const found = this.finder.find(text, guesses > 0);
      if (found.kind !== 'exact') guesses--;
      if ('item' in found) return [found.item];
      const near = found.kind === 'ambiguous' ? found.items : found.nearest;
      unknown.push({ text, nearest: near.slice(0, 5).map((item) => this.#named(item)) });
      return [];
    });
  }

  #named(item: number): NamedItem {
    const { titles, originals } = this.finder.names;
    const [original, title] = [originals.get(item), titles.get(item)];
    return { item, ...(original !== undefined && { original_id: original }), ...(title !== undefined && { title }) };
  }
}

/** What an entry of a list says on a command line: ids and titles as they are, {"item": 12} as #12; undefined for anything else. */
function textOf(entry: unknown): string | undefined {
  if (typeof entry === 'number' || typeof entry === 'string') return String(entry);
  if (typeof entry !== 'object' || entry === null || Object.keys(entry).join() !== 'item') return undefined;
  const { item } = entry as { item: unknown };
  return typeof item === 'number' ? `#${item}` : undefined;
}

function flag(given: Record<string, unknown>, key: string, fallback: boolean): boolean {
  const value = given[key] ?? fallback;
  if (typeof value === 'boolean') return value;
  throw new InputError(`${key} is ${quoted(value)}; it must be true or false`);
}
