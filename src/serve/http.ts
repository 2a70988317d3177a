import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { GsasError, InputError } from '../base/errors.js';
import { printable, shortened } from '../base/printable.js';

/** Header fields. */
type Fields = Readonly<Record<string, string>>;

/** The request's target, which may be anything and not a valid URL. */
export interface Target {
  /** The host name in the request; empty if it is not a valid name. */
  readonly host: string;
  readonly path: string;
  readonly query: URLSearchParams;
}

/** A complete answer. */
export interface WholeReply {
  readonly status?: number;
  readonly type?: string;
  readonly body: string;
  readonly headers?: Fields;
}

/** An answer, or a continuing one: `begin` writes its head and everything after it. */
export type Reply = WholeReply | { readonly begin: (response: ServerResponse) => void };

/** An answer that reports an error. */
export class HttpError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly headers: Fields = {},
    /** Further fields of the answer. */
    readonly details: object = {},
  ) {
    super(shortened(printable(message), 500));
  }
}

/** @param signal aborted when the client disconnects */
export type Answer = (request: IncomingMessage, target: Target, signal: AbortSignal) => Reply | Promise<Reply>;

export interface DoorOptions {
  /** Host names under which the server answers; any if left out. */
  readonly hosts?: readonly string[] | undefined;
  /** Header fields of every answer, errors included. */
  readonly headers?: (request: IncomingMessage) => Fields;
  /** Called for every request once its answer has reached the client, or the client has disconnected, which is status 499. */
  readonly onAnswered?: (target: Target, status: number, seconds: number) => void;
  /** Called with errors that are not a client's mistake. */
  readonly onFailure?: (error: unknown, target: Target) => void;
}

/** The client disconnected before the answer (nginx's number). */
const CLIENT_GONE = 499;
const HEADERS_MS = 10_000;
const REQUEST_MS = 30_000;
/** The longest time without a byte in either direction. */
const IDLE_MS = 60_000;
/** The longest time between two requests: longer than proxies and clients keep a connection, so that none is closed while they send. */
const KEEP_ALIVE_MS = 75_000;
const LOOK_MS = 2_000;
const MOST_CONNECTIONS = 2048;

/**
 * An HTTP server that no request can bring down: requests are parsed without throwing, an error of a handler becomes a status, and slow or silent clients
 * are cut off. It listens once `listen` is called on it.
 */
export function newServer(answer: Answer, { hosts, headers: always, onAnswered, onFailure }: DoorOptions): Server {
  const server = createServer({ connectionsCheckingInterval: LOOK_MS }, async (request, response) => {
    const began = performance.now();
    const target = targetOf(request);
    const gone = new AbortController();
    let seconds: number | undefined;
    response.on('error', () => {}); // 'close' follows
    response.on('close', () => {
      gone.abort(new Error('the client has gone away'));
      const status = response.writableFinished ? response.statusCode : CLIENT_GONE;
      onAnswered?.(target, status, seconds ?? (performance.now() - began) / 1000);
    });
    let reply: Reply;
    try {
      // A page of another site whose name resolves to this machine must not read what is served here.
      if (hosts && !hosts.includes(target.host))
        throw new HttpError(421, `this service is not ${target.host || 'without a host'}`);
      reply = await answer(request, target, gone.signal);
    } catch (error) {
      const { status, message, headers, details } = failureOf(error);
      reply = { ...json({ error: message, ...details }, status), headers };
      const left = gone.signal.aborted || request.errored;
      if (status === 500 && !left) onFailure?.(error, target);
    }
    seconds = (performance.now() - began) / 1000;
    if (!response.destroyed) send(request, response, reply, always?.(request) ?? {});
  });
  server.headersTimeout = HEADERS_MS;
  server.requestTimeout = REQUEST_MS;
  server.timeout = IDLE_MS;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.maxConnections = MOST_CONNECTIONS;
  return server;
}

/** JSON without raw control characters, so that it is safe in a terminal. */
export function json(value: unknown, status = 200): WholeReply {
  return { status, type: 'application/json', body: printable(JSON.stringify(value)) };
}

function failureOf(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  if (error instanceof InputError) return new HttpError(400, error.message);
  return new HttpError(500, error instanceof GsasError ? error.message : 'the service failed; its log says more');
}

function send(request: IncomingMessage, response: ServerResponse, reply: Reply, always: Fields): void {
  if ('begin' in reply) {
    reply.begin(response);
    return;
  }
  const { status = 200, type, body, headers } = reply;
  response.writeHead(status, {
    ...(type !== undefined && { 'content-type': type, 'content-length': Buffer.byteLength(body) }),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    // The rest of a body is not read: the connection ends with the answer.
    ...(!request.complete && { connection: 'close' }),
    ...always,
    ...headers,
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

/** Parses a request's target, in the form that clients send or as a whole URL, as proxies send (RFC 9112, section 3.2). Never throws. */
function targetOf({ url = '/', headers: { host = '' } }: IncomingMessage): Target {
  if (/^https?:/i.test(url) && URL.canParse(url)) {
    const { hostname, pathname, searchParams } = new URL(url);
    return { host: bare(hostname), path: pathname, query: searchParams };
  }
  const [, path, query] = /^([^?]*)\??(.*)/s.exec(url)!;
  return { host: nameOf(host), path, query: new URLSearchParams(query) };
}

/** The name in a Host header; empty if it is invalid. */
function nameOf(host: string): string {
  if (!/^(\[[\da-f:.]+\]|[^\s:/?#@[\]\\]+)(:\d{1,5})?$/i.test(host) || !URL.canParse(`http://${host}`)) return '';
  return bare(new URL(`http://${host}`).hostname);
}

/** An IPv6 address without its brackets. */
function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '');
}

/** The names under which a browser on this machine reaches an address; undefined if other machines may use any name. */
export function hostsOf(address: string): string[] | undefined {
  const loopback = address === 'localhost' || address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
  return loopback ? ['localhost', '127.0.0.1', '::1', address] : undefined;
}

/**
 * A request's body as JSON.
 * @param most bytes of it
 * @throws HttpError 413 for a longer body, 415 for an encoded one; InputError for invalid JSON
 */
export async function readJsonBody(request: IncomingMessage, most: number): Promise<unknown> {
  const { 'content-encoding': encoding = 'identity', 'content-length': length } = request.headers;
  if (encoding !== 'identity') throw new HttpError(415, `the body is in ${encoding}; send it as it is`);
  const tooLarge = () => new HttpError(413, `the body has more than ${most} bytes`);
  if (Number(length) > most) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > most) throw tooLarge();
    chunks.push(chunk);
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)));
  } catch (cause) {
    throw new InputError(`the body is not JSON: ${(cause as Error).message}`, { cause });
  }
}
