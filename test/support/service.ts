import type { Server } from 'node:http';
import { ScoringRecommender } from '../../src/infer/scoring.js';
import type { Batcher, Query } from '../../src/serve/batcher.js';
import { listen } from '../../src/serve/listen.js';
import { httpServer, type ServerOptions } from '../../src/serve/server.js';
import { Service } from '../../src/serve/service.js';
import { Telemetry } from '../../src/serve/telemetry.js';
import { ItemFinder } from '../../src/store/find.js';

export const ITEMS = 40;
export const TITLES = new Map(Array.from({ length: ITEMS }, (_, i) => [i + 1, `Film ${i + 1} ${'ABCD'[i % 4]}`]));

/** Answers in place of a model: the first items that are not excluded. */
async function answerOf({ history, top, exclude, explain }: Query) {
  const items = Array.from({ length: ITEMS }, (_, i) => ({ item: i + 1, score: -i }));
  const found = items.filter(({ item }) => !exclude.includes(item)).slice(0, top);
  return explain
    ? { items: found, weights: new Float32Array(history.length).fill(1 / history.length) }
    : { items: found };
}

export interface FakeService extends Partial<Omit<ServerOptions, 'service'>> {
  /** Answers questions; at once if left out. */
  ask?: (query: Query, signal: AbortSignal) => Promise<unknown>;
  titles?: ReadonlyMap<number, string>;
}

/** The HTTP side of `serve` without a model behind it. */
export async function fakeService({ ask = answerOf, titles = TITLES, ...options }: FakeService = {}) {
  const recommender = Object.assign(
    new ScoringRecommender({
      ...{ name: 'fake', numItems: titles.size, window: 6, meaning: 'places' },
      scores: () => new Float64Array(titles.size + 1),
    }),
    { explain: async () => [] },
  );
  const batcher = { ask } as unknown as Batcher;
  const finder = new ItemFinder({ titles, originals: new Map() }, titles.size);
  const service = new Service(batcher, recommender, finder, true);
  const telemetry = new Telemetry(() => 0);
  const { name: model, window, meaning: scores } = recommender;
  const about = { model, items: titles.size, window, explains: true, scores, step: 7, adapter: 'none' };
  const server: Server = httpServer({ service, telemetry, about, version: '1.2.3', maxBody: 2 ** 16, ...options });
  const address = await listen(server, '127.0.0.1', [0]);
  const close = () => new Promise((resolve) => server.close(resolve).closeAllConnections());
  return { address, server, close };
}
