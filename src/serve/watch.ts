import { statSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { untilAborted } from '../base/abort.js';
import { GsasError } from '../base/errors.js';
import { type Html, html } from '../report/html.js';
import { renderMain } from '../report/page.js';
import { readRun } from '../report/run.js';
import { HttpError, hostsOf, newServer, type Reply } from './http.js';
import { close, listen } from './listen.js';
import { renderWatchPage, WATCH_POLICY } from './watch-page.js';

/** Where the live page is served, and for how long. */
export interface WatchOptions {
  /** The first free port from 8420 on if left out. */
  readonly port?: number;
  /** Ends the server. Open pages stay as they are. */
  readonly signal: AbortSignal;
  /** Called with the page's address once it can be opened. */
  readonly onOpen: (address: string) => void;
}

const FREE_PORTS = Array.from({ length: 20 }, (_, i) => 8420 + i);
const HOST = '127.0.0.1';
const LOOK_MS = 1000;
const STOP_MS = 1000; // for pages that are still being read
/** Keeps the connection of an idle page alive. */
const PULSE_MS = 15_000;
/** Drawing takes at most this share of one core, so that it hardly slows a training run on the same machine. */
const SHARE = 1 / 10;
const FILES = ['metrics.jsonl', 'steps.jsonl', 'environment.json', 'analysis.json'];

/**
 * Serves the report of a run on loopback, and keeps open pages up to date during the run. Nothing is drawn while no page is open.
 * @returns when the signal has ended it
 * @throws InputError for a folder without a run, and if the port cannot be used
 */
export async function watchRun(run: string, { port, signal, onOpen }: WatchOptions): Promise<void> {
  const { name } = readRun(run);
  const readers: Readers = new Map();
  const page = new LivePage(run);
  const answer = async (method: string | undefined, path: string): Promise<Reply> => {
    if (path !== '/' && path !== '/events') throw new HttpError(404, 'there is only /');
    if (method !== 'GET') throw new HttpError(405, 'only GET is answered here', { allow: 'GET' });
    if (path === '/events') return { begin: (response) => openEvents(response, readers) };
    const body = renderWatchPage(name, await page.current());
    return { type: 'text/html; charset=utf-8', body, headers: WATCH_POLICY };
  };
  const server = newServer((request, { path }) => answer(request.method, path), { hosts: hostsOf(HOST) });
  onOpen(await listen(server, HOST, port === undefined ? FREE_PORTS : [port]));
  const timer = setInterval(async () => {
    if (readers.size > 0 && page.isStale()) send(readers, await page.current());
  }, LOOK_MS);
  const pulse = setInterval(() => {
    for (const reader of readers.keys()) if (!reader.writableNeedDrain) reader.write(':\n\n');
  }, PULSE_MS);
  await untilAborted(signal);
  clearInterval(timer);
  clearInterval(pulse);
  if (readers.size > 0) send(readers, await page.current());
  for (const reader of readers.keys()) reader.end('event: end\ndata: \n\n');
  await close(server, STOP_MS);
}

/** The current report of a run, drawn again only if its files have changed. */
class LivePage {
  #drawn: Promise<Html> | undefined;
  #of = '';
  #restUntil = 0;

  constructor(private readonly run: string) {}

  /** Whether there is something new, and drawing it now stays within its share of time. */
  isStale(): boolean {
    return Date.now() >= this.#restUntil && fingerprint(this.run) !== this.#of;
  }

  current(): Promise<Html> {
    const of = fingerprint(this.run);
    if (this.#drawn === undefined || of !== this.#of) {
      this.#of = of;
      this.#drawn = this.#draw();
    }
    return this.#drawn;
  }

  /** Shows on the page that a file cannot be read. The run and the server go on. */
  async #draw(): Promise<Html> {
    const begun = Date.now();
    try {
      return await renderMain([readRun(this.run)]);
    } catch (error) {
      const reason = error instanceof GsasError ? error.message : `cannot be drawn: ${(error as Error).message}`;
      return html`<h1>${this.run}</h1><p class="note">${reason}</p>`;
    } finally {
      this.#restUntil = Date.now() + (Date.now() - begun) / SHARE;
    }
  }
}

function fingerprint(run: string): string {
  return FILES.map((file) => {
    try {
      const { mtimeMs, size } = statSync(join(run, file));
      return `${mtimeMs} ${size}`;
    } catch {
      return '-';
    }
  }).join(', ');
}

/** The open pages, and what is still to be sent to those that have not received the previous version. */
type Readers = Map<ServerResponse, Html | undefined>;

function openEvents(response: ServerResponse, readers: Readers): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' }).flushHeaders();
  readers.set(response, undefined);
  response.on('close', () => readers.delete(response));
  response.on('drain', () => {
    const late = readers.get(response);
    readers.set(response, undefined);
    if (late) response.write(eventOf(late));
  });
}

/** Of the versions that a slow reader has not received, only the last one is kept. */
function send(readers: Readers, main: Html): void {
  for (const reader of readers.keys()) {
    if (reader.writableNeedDrain) readers.set(reader, main);
    else reader.write(eventOf(main));
  }
}

function eventOf(main: Html): string {
  return `data: ${JSON.stringify(main.text)}\n\n`;
}
