import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { connect } from 'node:tls';
import { GsasError, InputError } from '../../base/errors.js';

const MOST_REDIRECTS = 5;
/** A connection that is silent for this long counts as dead. */
const SILENCE_MS = 30_000;

export interface GetOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A GET that follows redirects and goes through the proxy that HTTPS_PROXY, HTTP_PROXY or ALL_PROXY name, in either case, except to hosts in
 * NO_PROXY. Node's fetch, in version 20, knows no proxy.
 */
export async function get(address: string, options: GetOptions): Promise<IncomingMessage> {
  let url = new URL(address);
  for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
    const response = await request(url, options);
    const { statusCode = 0, headers } = response;
    if (![301, 302, 303, 307, 308].includes(statusCode) || !headers.location) return response;
    response.resume();
    url = new URL(headers.location, url);
  }
  throw new GsasError(`${address} redirects more than ${MOST_REDIRECTS} times`);
}

async function request(url: URL, { headers = {}, signal }: GetOptions): Promise<IncomingMessage> {
  const proxy = proxyFor(url);
  const shared = { headers: { ...headers, host: url.host }, signal, timeout: SILENCE_MS };
  if (!proxy) return respond(start(url, shared), url);
  const authorization = proxyAuthorization(proxy);
  if (url.protocol === 'http:')
    return respond(
      start(proxy, { ...shared, path: url.href, headers: { ...shared.headers, ...authorization } }),
      proxy,
    );
  const socket = await tunnel(proxy, url, authorization, signal);
  const secured = connect({ socket, servername: url.hostname });
  return respond(https.request(url, { ...shared, createConnection: () => secured, agent: false }), url);
}

function start(url: URL, options: https.RequestOptions): http.ClientRequest {
  return url.protocol === 'https:' ? https.request(url, options) : http.request(url, options);
}

/** @param peer the other side, named in errors */
function respond(sent: http.ClientRequest, peer: URL): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    sent.on('response', resolve);
    sent.on('timeout', () => sent.destroy(Object.assign(new Error(`${peer.host} is silent`), { code: 'ETIMEDOUT' })));
    sent.on('error', reject);
    sent.end();
  });
}

/** A connection to an HTTPS host by the proxy's CONNECT. */
function tunnel(proxy: URL, url: URL, headers: Record<string, string>, signal?: AbortSignal): Promise<Socket> {
  const target = `${url.hostname}:${url.port || 443}`;
  return new Promise((resolve, reject) => {
    const sent = start(proxy, {
      method: 'CONNECT',
      path: target,
      headers: { ...headers, host: target },
      signal,
      timeout: SILENCE_MS,
    });
    sent.on('connect', ({ statusCode }, socket: Socket) => {
      if (statusCode === 200) return resolve(socket);
      socket.destroy();
      reject(new GsasError(`the proxy ${proxy.host} refuses to connect to ${target}: status ${statusCode}`));
    });
    sent.on('timeout', () => sent.destroy(Object.assign(new Error(`${proxy.host} is silent`), { code: 'ETIMEDOUT' })));
    sent.on('error', reject);
    sent.end();
  });
}

/** The proxy that the environment names for an address. */
export function proxyFor(url: URL, env: NodeJS.ProcessEnv = process.env): URL | undefined {
  const read = (name: string) => env[name] || env[name.toUpperCase()];
  const unproxied = (read('no_proxy') ?? '').split(/[\s,]+/).filter(Boolean);
  if (unproxied.some((entry) => matchesHost(entry, url))) return undefined;
  const named = read(`${url.protocol.slice(0, -1)}_proxy`) ?? read('all_proxy');
  if (!named) return undefined;
  const address = named.includes('://') ? named : `http://${named}`;
  if (/^https?:/.test(address) && URL.canParse(address)) return new URL(address);
  throw new InputError(`the proxy ${named} is not usable; give it as http://host:port`);
}

/** `example.org` is that host and all below it, as is `.example.org`; `*` is every host. */
function matchesHost(entry: string, { hostname, port }: URL): boolean {
  const [host = '', onlyPort] = entry.replace(/^\*?\./, '').split(':');
  if (entry === '*') return true;
  return (hostname === host || hostname.endsWith(`.${host}`)) && (onlyPort === undefined || onlyPort === port);
}

function proxyAuthorization({ username, password }: URL): Record<string, string> {
  if (!username) return {};
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}` };
}
