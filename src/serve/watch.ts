import { statSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { GsasError } from '../base/errors.js';
import { type Html, html } from '../report/html.js';
import { renderDocument, renderMain } from '../report/page.js';
import { readRun } from '../report/run.js';
import { listen } from './listen.js';

/** Where the live page is, and how long. */
export interface WatchOptions {
  /** Left out, the first free one from 8420 on. */
  readonly port?: number;
  /** Ends the server: the readers' pages stay as they are. */
  readonly signal: AbortSignal;
  /** Told the page's address once it can be opened. */
  readonly onOpen: (address: string) => void;
}

const FREE_PORTS = Array.from({ length: 20 }, (_, i) => 8420 + i);
const LOOK_MS = 1000;
/** Drawing takes at most this share of one core, so that a training beside it hardly notices. */
const SHARE = 1 / 10;
const FILES = ['metrics.jsonl', 'steps.jsonl', 'environment.json', 'analysis.json'];

/** Replaces what the page says whenever the server sends a newer one, but not under a reader's selection. */
const SCRIPT = `
const main = document.querySelector('main');
const source = new EventSource('events');
source.onmessage = ({ data }) => { if (getSelection().isCollapsed) main.innerHTML = JSON.parse(data); };
source.addEventListener('end', () => source.close());
`;

/**
 * Serves the report of a run on loopback, and keeps the pages that are open up to date while it goes on. Nothing is drawn while
 * nobody looks.
 * @returns when the signal has ended it
 * @throws InputError for a folder that is no run's, and where the port cannot be had
 */
export async function watchRun(run: string, { port, signal, onOpen }: WatchOptions): Promise<void> {
  const { name } = readRun(run);
  const readers = new Set<ServerResponse>();
  const page = new LivePage(run);
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    if (request.method !== 'GET') respond(response, 405, 'only GET is answered here\n');
    else if (path === '/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' }).flushHeaders();
      readers.add(response);
      response.on('close', () => readers.delete(response));
    } else if (path === '/') {
      page.current().then((main) => {
        respond(response, 200, renderDocument(`${name} · live`, main, SCRIPT), 'text/html; charset=utf-8');
      });
    } else respond(response, 404, 'there is only /\n');
  });
  onOpen(await listen(server, '127.0.0.1', port === undefined ? FREE_PORTS : [port]));
  const timer = setInterval(async () => {
    if (readers.size > 0 && page.isStale()) send(readers, await page.current());
  }, LOOK_MS);
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  clearInterval(timer);
  if (readers.size > 0) send(readers, await page.current());
  for (const reader of readers) reader.end('event: end\ndata: \n\n');
  await new Promise((resolve) => {
    server.close(resolve);
    server.closeIdleConnections();
    setTimeout(() => server.closeAllConnections(), LOOK_MS).unref();
  });
}

/** The report of a run as it stands, drawn anew only where its files have changed. */
class LivePage {
  #drawn: Promise<Html> | undefined;
  #of = '';
  #restUntil = 0;

  constructor(private readonly run: string) {}

  /** Whether there is something new, and drawing it now does not take more than its share. */
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

  /** A file that cannot be read says so on the page: the run and the server go on. */
  async #draw(): Promise<Html> {
    const begun = Date.now();
    try {
      return await renderMain([readRun(this.run)]);
    } catch (error) {
      if (!(error instanceof GsasError)) throw error;
      return html`<h1>${this.run}</h1><p class="note">${error.message}</p>`;
    } finally {
      this.#restUntil = Date.now() + (Date.now() - begun) / SHARE;
    }
  }
}

function fingerprint(run: string): string {
  return FILES.map((file) => {
    const found = statSync(join(run, file), { throwIfNoEntry: false });
    return found ? `${found.mtimeMs} ${found.size}` : '-';
  }).join(', ');
}

function send(readers: ReadonlySet<ServerResponse>, main: Html): void {
  for (const reader of readers) reader.write(`data: ${JSON.stringify(main.text)}\n\n`);
}

function respond(response: ServerResponse, status: number, text: string, type = 'text/plain; charset=utf-8'): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(text);
}
