import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { watchRun } from '../src/serve/watch.js';
import { fakeRun, validationLine } from './support/run.js';

let run: string;
let end: AbortController;
beforeEach(() => {
  run = fakeRun(mkdtempSync(join(tmpdir(), 'gsas-watch-')), { ndcg: [0.1] });
  end = new AbortController();
});
afterEach(() => {
  end.abort();
  rmSync(run, { recursive: true });
});

/** Starts the server; its address, and a promise of its end. */
async function watch(port?: number): Promise<{ address: string; ended: Promise<void> }> {
  let ended!: Promise<void>;
  const address = await new Promise<string>((resolve, reject) => {
    ended = watchRun(run, { ...(port !== undefined && { port }), signal: end.signal, onOpen: resolve });
    ended.catch(reject);
  });
  return { address, ended };
}

/** The events of an open page, as they arrive, without the comments that keep the connection alive. */
async function* events(address: string): AsyncGenerator<string> {
  const response = await fetch(`${address}events`);
  let text = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let at = text.indexOf('\n\n'); at >= 0; at = text.indexOf('\n\n')) {
      if (!text.startsWith(':')) yield text.slice(0, at);
      text = text.slice(at + 2);
    }
  }
}

it('shows the run on loopback, sends what is new, and ends its pages with itself', async () => {
  const { address, ended } = await watch(0);
  expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
  const page = await (await fetch(address)).text();
  expect(page).toContain('<svg');
  expect(page).toContain('0.1000');
  const open = events(address);
  const next = open.next();
  appendFileSync(join(run, 'metrics.jsonl'), validationLine(2, 0.75));
  const { value } = await next;
  const main = JSON.parse(String(value).replace(/^data: /, ''));
  expect(main).toContain('0.7500');
  expect(main).not.toContain('<script');
  end.abort();
  let last = '';
  for await (const event of open) last = event;
  expect(last).toBe('event: end\ndata: ');
  await ended;
  await expect(fetch(address)).rejects.toThrow();
});

it('shows a run before its first validation, and what is wrong with a damaged one', async () => {
  writeFileSync(join(run, 'metrics.jsonl'), '');
  const { address } = await watch(0);
  expect(await (await fetch(address)).text()).toContain('Nothing has been validated yet');
  writeFileSync(join(run, 'metrics.jsonl'), 'x\n');
  expect(await (await fetch(address)).text()).toMatch(/metrics\.jsonl line 1: is not JSON/);
  expect((await fetch(`${address}other`)).status).toBe(404);
  expect((await fetch(address, { method: 'POST' })).status).toBe(405);
});

it('takes the next port where none was asked for, and refuses one that is taken', async () => {
  const first = await watch();
  const second = await watch();
  expect(new URL(second.address).port).not.toBe(new URL(first.address).port);
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  await expect(watch(port)).rejects.toThrow(
    new RegExp(`^port ${port} of 127.0.0.1 cannot be had .*choose another with --port`),
  );
  other.close();
});
