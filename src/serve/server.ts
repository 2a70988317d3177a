import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { GsasError, InputError } from '../base/errors.js';
import { BusyError } from './batcher.js';
import { PAGE, PAGE_POLICY } from './page.js';
import type { Service } from './service.js';
import type { Telemetry } from './telemetry.js';

export interface ServerOptions {
  service: Service;
  telemetry: Telemetry;
  /** What /health says of the model. */
  about: Record<string, unknown>;
  /** Bytes of a request's body. */
  maxBody: number;
  /** Addresses and names under which the service may be asked for; any where left out. */
  hosts?: readonly string[] | undefined;
}

/** An answer that is no 200. */
class HttpError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly headers: Record<string, string> = {},
  ) {
    super(message);
  }
}

type Reply = { type: string; body: string; headers?: Record<string, string> };
type Handler = (request: IncomingMessage, url: URL, signal: AbortSignal) => Reply | Promise<Reply>;

const json = (value: unknown): Reply => ({ type: 'application/json', body: JSON.stringify(value) });

/** The service over HTTP: JSON in and out, and at / a page for people. It listens once `listen` is called on it. */
export function httpServer({ service, telemetry, about, maxBody, hosts }: ServerOptions): Server {
  const routes: Record<string, Partial<Record<string, Handler>>> = {
    '/': { GET: () => ({ type: 'text/html; charset=utf-8', body: PAGE, headers: PAGE_POLICY }) },
    '/recommend': {
      POST: async (request, _, signal) => json(await service.recommend(await readBody(request, maxBody), signal)),
    },
    '/items': { GET: (_, url) => json(service.find(url.searchParams.get('q') ?? '', limitOf(url))) },
    '/health': { GET: () => json({ status: 'ok', ...about }) },
    '/metrics': { GET: async () => ({ type: telemetry.contentType, body: await telemetry.text() }) },
  };

  const answer = (request: IncomingMessage, signal: AbortSignal): Reply | Promise<Reply> => {
    // A page of another site that has its name resolve to this machine must not read what is served here.
    const host = hostOf(request);
    if (hosts && !hosts.includes(host)) throw new HttpError(421, `this service is not ${host || 'without a host'}`);
    const url = new URL(request.url ?? '/', 'http://localhost');
    const methods = routes[url.pathname];
    if (!methods) throw new HttpError(404, `there is no ${url.pathname}; ${Object.keys(routes).join(', ')} are there`);
    const handler = methods[request.method === 'HEAD' ? 'GET' : (request.method ?? '')];
    const allow = Object.keys(methods).join(', ');
    if (!handler) throw new HttpError(405, `${url.pathname} takes ${allow}, not ${request.method}`, { allow });
    return handler(request, url, signal);
  };

  const server = createServer(async (request, response) => {
    const began = performance.now();
    const gone = new AbortController();
    response.on('close', () => gone.abort(new Error('the client has gone away')));
    let status = 200;
    try {
      const { type, body, headers } = await answer(request, gone.signal);
      send(response, status, { 'content-type': type, 'x-content-type-options': 'nosniff', ...headers }, body);
    } catch (error) {
      if (gone.signal.aborted) return;
      const failure = failureOf(error);
      status = failure.status;
      const headers = { 'content-type': 'application/json', ...failure.headers };
      // What is left of a body that was refused is not read: the connection ends with the answer.
      if (!request.complete) Object.assign(headers, { connection: 'close' });
      send(response, status, headers, JSON.stringify({ error: failure.message }));
    } finally {
      const path = new URL(request.url ?? '/', 'http://localhost').pathname;
      telemetry.answered(Object.hasOwn(routes, path) ? path : 'other', status, (performance.now() - began) / 1000);
    }
  });
  server.headersTimeout = 10_000;
  server.requestTimeout = 30_000;
  return server;
}

function send(response: ServerResponse, status: number, headers: Record<string, string>, body: string): void {
  response.writeHead(status, { 'content-length': Buffer.byteLength(body), 'cache-control': 'no-store', ...headers });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

function failureOf(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  if (error instanceof BusyError) return new HttpError(503, error.message, { 'retry-after': '1' });
  if (error instanceof InputError) return new HttpError(400, error.message);
  return new HttpError(500, error instanceof GsasError ? error.message : 'the service failed; its log says more');
}

function hostOf({ headers }: IncomingMessage): string {
  try {
    return new URL(`http://${headers.host}`).hostname.replace(/^\[|\]$/g, '');
  } catch {
    return '';
  }
}

/** The names under which a browser on this machine reaches an address; undefined where others may come by any. */
export function hostsOf(address: string): string[] | undefined {
  const loopback = address === 'localhost' || address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
  return loopback ? ['localhost', '127.0.0.1', '::1', address] : undefined;
}

function limitOf(url: URL): number {
  const text = url.searchParams.get('limit') ?? '10';
  if (!/^[1-9]\d{0,2}$/.test(text)) throw new InputError(`limit is ${text}; it must be a whole number from 1`);
  return Number(text);
}

async function readBody(request: IncomingMessage, most: number): Promise<unknown> {
  const tooLarge = () => new HttpError(413, `the body has more than ${most} bytes`);
  if (Number(request.headers['content-length']) > most) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > most) throw tooLarge();
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new InputError(`the body is not JSON: ${(cause as Error).message}`, { cause });
  }
}
