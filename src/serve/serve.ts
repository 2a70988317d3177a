import { orAborted, untilAborted } from '../base/abort.js';
import { packageVersion } from '../store/environment.js';
import { Batcher, MOST_TOGETHER } from './batcher.js';
import { hostsOf } from './http.js';
import { close, listen } from './listen.js';
import { LiveService } from './live.js';
import { httpServer } from './server.js';
import { type ServedModel, Service } from './service.js';
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
  /** Origins whose pages may send requests, see httpServer; none if left out. */
  cors?: readonly string[];
  /**
   * Models that take the place of the one before, each as soon as it is warm. Requests that have begun are answered by the old one, which is then released. A model
   * that fails to answer is released and logged, and the old one stays.
   */
  replacements?: AsyncIterable<ServedModel>;
  /** Called when a model has taken the place of the one before. */
  onReplaced?: (model: ServedModel) => void;
  /** Called with a line for each failure inside the service. */
  log?: (line: string, error: unknown) => void;
  /** Ends the service, after it has answered what it has begun. */
  signal: AbortSignal;
  /** Called with the address once the service accepts requests. */
  onOpen: (address: string) => void;
}

const STOP_MS = 5000; // for the last answers

/**
 * Serves a model over HTTP: POST /recommend, GET /similar, /items, /health and /metrics, and at / a page to try it on.
 * @returns when the signal has ended it
 * @throws InputError if the port cannot be used
 */
export async function serve(model: ServedModel, options: ServeOptions): Promise<void> {
  const { host = '127.0.0.1', port, maxBody = 2 ** 16, maxWaiting = 1024, cors = [], log, signal, onOpen } = options;
  const telemetry: Telemetry = new Telemetry(() => live.current.waiting);
  const hosts = hostsOf(host);
  const begin = async (model: ServedModel) => {
    await orAborted(warmUp(model, signal), signal);
    const batcher = new Batcher(model.recommender, maxWaiting, (size) => telemetry.batch(size));
    return new Service(batcher, hosts ? model : withoutExamples(model));
  };
  const live = new LiveService(await begin(model));
  if (signal.aborted) return;
  const doors = { maxBody, hosts, cors, ...(log && { log }) };
  const server = httpServer({ live, telemetry, version: packageVersion(), ...doors });
  onOpen(await listen(server, host, [port]));
  void follow(live, begin, options);
  await untilAborted(signal);
  await close(server, STOP_MS);
  await live.drained();
}

/** What a person did is listed for this machine alone. */
function withoutExamples({ examples: _, ...model }: ServedModel): ServedModel {
  return model;
}

/** Lets each new model take the place of the one before, until the signal ends the service. Never throws. */
async function follow(
  live: LiveService,
  begin: (model: ServedModel) => Promise<Service>,
  { replacements, onReplaced, log, signal }: ServeOptions,
): Promise<void> {
  try {
    for await (const model of replacements ?? []) {
      const next = await begin(model).catch((error: Error) => {
        model.recommender.release();
        log?.(`the new model cannot answer, and the one before stays: ${error.message}`, error);
      });
      if (signal.aborted) return;
      if (!next) continue;
      const replaced = live.replace(next);
      onReplaced?.(model);
      await replaced;
    }
  } catch (error) {
    log?.(`no further model is taken: ${(error as Error).message}`, error);
  }
}

/** Sends requests that need different shaders, for few and for many rows and tokens, so that no client has to wait for a compiler. */
async function warmUp({ recommender }: ServedModel, signal: AbortSignal): Promise<void> {
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
