import type { Server } from 'node:http';
import { ScoringRecommender } from '../../src/infer/scoring.js';
import type { Batcher, Query } from '../../src/serve/batcher.js';
import { listen } from '../../src/serve/listen.js';
import { LiveService } from '../../src/serve/live.js';
import { httpServer, type ServerOptions } from '../../src/serve/server.js';
import { type ServedModel, Service } from '../../src/serve/service.js';
import { Telemetry } from '../../src/serve/telemetry.js';

export const ITEMS = 40;
export const TITLES = new Map(Array.from({ length: ITEMS }, (_, i) => [i + 1, `Film ${i + 1} ${'ABCD'[i % 4]}`]));

/** Answers in place of a model: the first items that are not excluded. */
async function answerOf({ history, top, exclude, explain, why }: Query) {
  const items = Array.from({ length: ITEMS }, (_, i) => ({ item: i + 1, score: -i }));
  const found = items.filter(({ item }) => !exclude.includes(item)).slice(0, top);
  return {
    items: found,
    ...(explain && { weights: new Float32Array(history.length).fill(1 / history.length) }),
    ...(why && { changes: found.map(({ item }) => Float64Array.from(history, (_, place) => item - place)) }),
  };
}

export interface FakeService
  extends Partial<Omit<ServerOptions, 'live'>>,
    Partial<Pick<ServedModel, 'users' | 'card' | 'examples'>> {
  /** Answers questions; at once if left out. */
  ask?: (query: Query, signal: AbortSignal) => Promise<unknown>;
  titles?: ReadonlyMap<number, string>;
  categories?: ReadonlyMap<number, string>;
  counts?: ReadonlyMap<number, number>;
}

/** The HTTP side of `serve` without a model behind it. */
export async function fakeService({ ask = answerOf, titles = TITLES, ...fake }: FakeService = {}) {
  const { categories, counts, users, card, examples, ...options } = fake;
  const recommender = Object.assign(
    new ScoringRecommender({
      ...{ name: 'fake', numItems: titles.size, window: 6, meaning: 'places' },
      scores: () => new Float64Array(titles.size + 1),
    }),
    { explain: async () => [], adapter: 'none' },
  );
  const batcher = { ask } as unknown as Batcher;
  const names = { titles, originals: new Map(), ...(categories && { categories }), ...(counts && { counts }) };
  const known = { ...(users && { users }), ...(card && { card }), ...(examples && { examples }) };
  const live = new LiveService(new Service(batcher, { recommender, names, step: 7, ...known }));
  const telemetry = new Telemetry(() => 0);
  const server: Server = httpServer({ live, telemetry, version: '1.2.3', maxBody: 2 ** 16, ...options });
  const address = await listen(server, '127.0.0.1', [0]);
  const close = () => new Promise((resolve) => server.close(resolve).closeAllConnections());
  return { address, server, live, close };
}
