import type { IncomingMessage, Server } from 'node:http';
import { InputError } from '../base/errors.js';
import { quoted } from '../base/printable.js';
import { BusyError } from './batcher.js';
import { corsOf, preflight } from './cors.js';
import { type Answer, HttpError, json, newServer, type Reply, readJsonBody, type Target } from './http.js';
import type { LiveService } from './live.js';
import { openApi, type PATHS } from './openapi.js';
import { PAGE, PAGE_POLICY } from './page/index.js';
import { NothingKnown, questionOf } from './question.js';
import { MOST_FOUND, type Service } from './service.js';
import type { Telemetry } from './telemetry.js';

export interface ServerOptions {
  live: LiveService;
  telemetry: Telemetry;
  /** Of this package. */
  version: string;
  /** Bytes of a request's body. */
  maxBody: number;
  /** Host names under which the service answers; any if left out. */
  hosts?: readonly string[] | undefined;
  /** Origins whose pages may send requests, such as https://shop.example; `*` is any; none if left out. */
  cors?: readonly string[];
  /** Called with a line for each failure inside the service. */
  log?: (line: string, error: unknown) => void;
}

/** A handler for each path and method that the OpenAPI document lists. */
type Routes = { [P in keyof typeof PATHS]: { [M in keyof (typeof PATHS)[P] as Uppercase<M & string>]: Answer } };

/** The service over HTTP: JSON in and out, and at / a page for people. It listens once `listen` is called on it. */
export function httpServer(options: ServerOptions): Server {
  const { telemetry, hosts, cors = [], log } = options;
  const routes: Record<string, Partial<Record<string, Answer>>> = routesOf(options);
  const known = (path: string) => (Object.hasOwn(routes, path) ? path : 'other');

  const answer = (request: IncomingMessage, target: Target, signal: AbortSignal): Reply | Promise<Reply> => {
    const { path } = target;
    if (!Object.hasOwn(routes, path))
      throw new HttpError(404, `there is no ${path}; ${Object.keys(routes).join(', ')} are there`);
    const methods = routes[path];
    const allow = Object.keys(methods).join(', ');
    if (request.method === 'OPTIONS') return preflight(request, cors, allow);
    const handler = methods[request.method === 'HEAD' ? 'GET' : (request.method ?? '')];
    if (!handler) throw new HttpError(405, `${path} takes ${allow}, not ${request.method}`, { allow });
    return handler(request, target, signal);
  };

  return newServer(answer, {
    hosts,
    headers: (request) => corsOf(request, cors),
    onAnswered: ({ path }, status, seconds) => telemetry.answered(known(path), status, seconds),
    onFailure: (error, { path }) => log?.(`${known(path)}: ${error instanceof Error ? error.message : error}`, error),
  });
}

function routesOf({ live, telemetry, version, maxBody }: ServerOptions): Routes {
  const document = json(openApi(version));
  return {
    '/': { GET: () => ({ type: 'text/html; charset=utf-8', body: PAGE, headers: PAGE_POLICY }) },
    '/recommend': {
      POST: async (request, _, signal) => {
        const body = await readJsonBody(request, maxBody);
        return answered(live, (service) => service.recommend(body, signal));
      },
    },
    '/similar': {
      GET: (_, { query }, signal) => answered(live, (service) => service.similar(questionOf(query), signal)),
    },
    '/items': { GET: (_, { query }) => json(live.current.find(query.get('q') ?? '', limitOf(query))) },
    '/examples': { GET: () => json(live.current.examples()) },
    '/health': {
      GET: () => {
        live.current.check();
        return json({ status: 'ok', ...live.current.about });
      },
    },
    '/metrics': { GET: async () => ({ type: telemetry.contentType, body: await telemetry.text() }) },
    '/openapi.json': { GET: () => document },
  };
}

/** The answer of the model that is served now, or the refusal of a question. */
function answered(live: LiveService, answer: (service: Service) => Promise<object>): Promise<Reply> {
  return live.use(async (service) => {
    try {
      return json(await answer(service));
    } catch (error) {
      if (error instanceof BusyError) throw new HttpError(503, error.message, { 'retry-after': '1' });
      if (error instanceof NothingKnown)
        throw new HttpError(400, error.message, {}, { unknown: service.unknownTexts(error.unknown) });
      throw error;
    }
  });
}

function limitOf(query: URLSearchParams): number {
  const text = query.get('limit') ?? '10';
  if (/^[1-9]\d?$/.test(text) && Number(text) <= MOST_FOUND) return Number(text);
  throw new InputError(`limit is ${quoted(text)}; it must be a whole number from 1 to ${MOST_FOUND}`);
}
