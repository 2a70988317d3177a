import { orAborted, untilAborted } from '../base/abort.js';
import type { Recommender } from '../infer/recommender.js';
import { packageVersion } from '../store/environment.js';
import { ItemFinder } from '../store/find.js';
import type { ItemNames } from '../store/titles.js';
import { Batcher, MOST_TOGETHER } from './batcher.js';
import { hostsOf } from './http.js';
import { close, listen } from './listen.js';
import { httpServer } from './server.js';
import { Service } from './service.js';
import { Telemetry } from './telemetry.js';

/** Where a service listens, and its limits. */
export interface ServeOptions {
  /** 127.0.0.1 if left out, so that only this machine is served. */
  host?: string;
  /** 0 for any free port. */
  port: number;
  /** The most bytes of a request's body, 64 KiB if left out. */
  maxBody?: number;
  /** The most requests that may wait, 1024 if left out. More are refused until some have been answered. */
  maxWaiting?: number;
  /** Whether seen items are left out if a request does not say; true by default. */
  filterRated?: boolean;
  /** Training steps that led to the weights, for /health. */
  step?: number;
  /** Origins whose pages may send requests, see httpServer; none if left out. */
  cors?: readonly string[];
  /** Called with a line for each failure inside the service. */
  log?: (line: string, error: unknown) => void;
  /** Ends the service, after it has answered what it has begun. */
  signal: AbortSignal;
  /** Called with the address once the service accepts requests. */
  onOpen: (address: string) => void;
}

const STOP_MS = 5000; // for the last answers

/**
 * Serves a recommender over HTTP: POST /recommend, GET /items, /health and /metrics, and at / a page to try it on.
 * @returns when the signal has ended it
 * @throws InputError if the port cannot be used
 */
export async function serve(recommender: Recommender, names: ItemNames, options: ServeOptions): Promise<void> {
  const { host = '127.0.0.1', port, maxBody = 2 ** 16, maxWaiting = 1024, cors = [], log, signal, onOpen } = options;
  const { name, numItems, window, meaning, explain, adapter } = recommender;
  const telemetry = new Telemetry(() => batcher.waiting);
  const batcher: Batcher = new Batcher(recommender, maxWaiting, (size) => telemetry.batch(size));
  await orAborted(warmUp(recommender, signal), signal);
  if (signal.aborted) return;
  const finder = new ItemFinder(names, numItems);
  const service = new Service(batcher, recommender, finder, options.filterRated ?? true);
  const about = {
    ...{ model: name, items: numItems, window, explains: explain !== undefined, scores: meaning },
    ...(options.step !== undefined && { step: options.step }),
    ...(adapter !== undefined && { adapter }),
  };
  const doors = { maxBody, hosts: hostsOf(host), cors, ...(log && { log }) };
  const check = () => recommender.check();
  const server = httpServer({ service, telemetry, about, version: packageVersion(), check, ...doors });
  onOpen(await listen(server, host, [port]));
  await untilAborted(signal);
  await close(server, STOP_MS);
  await batcher.drained();
}

/** Sends requests that need different shaders, for few and for many rows and tokens, so that no client has to wait for a compiler. */
async function warmUp(recommender: Recommender, signal: AbortSignal): Promise<void> {
  const { numItems, window } = recommender;
  // Not the service's, whose limit and counts are those of clients.
  const batcher = new Batcher(recommender, MOST_TOGETHER, () => {});
  for (const length of [1, Math.max(1, window)]) {
    for (const count of [1, MOST_TOGETHER]) {
      const query = { history: Array(length).fill(1), top: Math.min(10, numItems), exclude: [], explain: true };
      await Promise.all(Array.from({ length: count }, () => batcher.ask(query, signal)));
    }
  }
}
