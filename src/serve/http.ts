import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { GsasError, InputError } from '../base/errors.js';
import { printable, shortened } from '../base/printable.js';

/** Header fields. */
type Fields = Readonly<Record<string, string>>;

/** What is asked for: nothing of it is trusted to be a URL. */
export interface Target {
  /** The name by which the server is asked, empty where that is no name. */
  readonly host: string;
  readonly path: string;
  readonly query: URLSearchParams;
}

/** An answer whole. */
export interface WholeReply {
  readonly status?: number;
  readonly type?: string;
  readonly body: string;
  readonly headers?: Fields;
}

/** An answer, or one that goes on: `begin` writes its head and whatever follows. */
export type Reply = WholeReply | { readonly begin: (response: ServerResponse) => void };

/** An answer that says why there is no other. */
export class HttpError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly headers: Fields = {},
  ) {
    super(shortened(printable(message), 500));
  }
}

/** @param signal aborted when the client has gone away */
export type Answer = (request: IncomingMessage, target: Target, signal: AbortSignal) => Reply | Promise<Reply>;

export interface DoorOptions {
  /** Names under which the server may be asked; any where left out. */
  readonly hosts?: readonly string[] | undefined;
  /** Fields of every answer, also of those that refuse. */
  readonly headers?: (request: IncomingMessage) => Fields;
  /** Told of every request once its answer is with the client or the client has gone away, which is status 499. */
  readonly onAnswered?: (target: Target, status: number, seconds: number) => void;
  /** Told of what was no client's mistake. */
  readonly onFailure?: (error: unknown, target: Target) => void;
}

/** Who has gone away before the answer was there (nginx's number). */
const CLIENT_GONE = 499;
const HEADERS_MS = 10_000;
const REQUEST_MS = 30_000;
/** Without a byte in either direction. */
const IDLE_MS = 60_000;
/** Between two requests: longer than proxies and clients keep a connection, so that none is closed on them as they send. */
const KEEP_ALIVE_MS = 75_000;
const LOOK_MS = 2_000;
const MOST_CONNECTIONS = 2048;

/**
 * An HTTP server that no request ends: what is asked is parsed by nothing that throws, what an answer throws becomes a status, and slow or
 * silent clients are cut off. It listens once `listen` is called on it.
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
      // A page of another site that has its name resolve to this machine must not read what is served here.
      if (hosts && !hosts.includes(target.host))
        throw new HttpError(421, `this service is not ${target.host || 'without a host'}`);
      reply = await answer(request, target, gone.signal);
    } catch (error) {
      const { status, message, headers } = failureOf(error);
      reply = { ...json({ error: message }, status), headers };
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

/** JSON that shows as text in a terminal, too. */
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
    // What is left of a body is not read: the connection ends with the answer.
    ...(!request.complete && { connection: 'close' }),
    ...always,
    ...headers,
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

/** What is asked for, in the form that a client sends or with a whole URL, as a proxy does (RFC 9112, section 3.2). Never throws. */
function targetOf({ url = '/', headers: { host = '' } }: IncomingMessage): Target {
  if (/^https?:/i.test(url) && URL.canParse(url)) {
    const { hostname, pathname, searchParams } = new URL(url);
    return { host: bare(hostname), path: pathname, query: searchParams };
  }
  const [, path, query] = /^([^?]*)\??(.*)/s.exec(url)!;
  return { host: nameOf(host), path, query: new URLSearchParams(query) };
}

/** The name in a Host header, empty where it is none. */
function nameOf(host: string): string {
  if (!/^(\[[\da-f:.]+\]|[^\s:/?#@[\]\\]+)(:\d{1,5})?$/i.test(host) || !URL.canParse(`http://${host}`)) return '';
  return bare(new URL(`http://${host}`).hostname);
}

/** An IPv6 address without its brackets. */
function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '');
}

/** The names under which a browser on this machine reaches an address; undefined where others may come by any. */
export function hostsOf(address: string): string[] | undefined {
  const loopback = address === 'localhost' || address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
  return loopback ? ['localhost', '127.0.0.1', '::1', address] : undefined;
}

/**
 * A request's body as JSON.
 * @param most bytes of it
 * @throws HttpError 413 for a longer one, 415 for one that is encoded; InputError for what is no JSON
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
