import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { ScoringRecommender } from '../src/infer/scoring.js';
import { parseOrigins } from '../src/serve/cors.js';
import { serve } from '../src/serve/serve.js';
import { watchRun } from '../src/serve/watch.js';
import { fakeRun } from './support/run.js';
import { scratchFolder } from './support/scratch.js';
import { fakeService } from './support/service.js';
import { exchange, open, statusOf } from './support/socket.js';

const at = scratchFolder();

const TARGETS = [
  '//',
  '//?',
  '///',
  '//:',
  '//[',
  '//[::',
  '/\\',
  '*',
  '?',
  '/%',
  '/%00',
  'http://',
  'http://[',
  'http:///',
  'x',
  '//@/',
  '/:80',
  `/${'a'.repeat(9000)}`,
];
const HOSTS = [
  '127.0.0.1',
  'localhost',
  '[',
  '[::1',
  '//',
  'a b',
  ':',
  '@',
  '%',
  '127.0.0.1/x',
  '127.0.0.1:99999999',
  '\x9b31m',
  'x'.repeat(2000),
  '',
];

describe('serve and watch', () => {
  let servers: Record<string, string>;
  const end = new AbortController();
  let service: Awaited<ReturnType<typeof fakeService>>;
  let watching: Promise<void>;
  beforeAll(async () => {
    service = await fakeService({ hosts: ['127.0.0.1', 'localhost'] });
    const run = fakeRun(at('run'));
    const watch = await new Promise<string>((onOpen) => {
      watching = watchRun(run, { port: 0, signal: end.signal, onOpen });
    });
    servers = { serve: service.address, watch };
  });
  afterAll(async () => {
    end.abort();
    await watching;
    await service.close();
  });

  it.each(['serve', 'watch'])('%s outlives every target and every host', async (name) => {
    const address = servers[name];
    for (const method of ['GET', 'POST', 'OPTIONS', 'HEAD'])
      for (const target of TARGETS) {
        const answer = await exchange(
          address,
          `${method} ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`,
        );
        expect([400, 404, 405, 431], `${method} ${target}`).toContain(statusOf(answer));
      }
    for (const host of HOSTS) {
      const answer = await exchange(address, `GET // HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      expect([400, 404, 421], host).toContain(statusOf(answer));
    }
    expect((await fetch(address)).status).toBe(200);
  });

  it.each(['serve', 'watch'])('%s answers no page of another site that points its name here', async (name) => {
    for (const host of [
      'example.com',
      '127.0.0.1.example.com',
      'localhost.',
      '127.0.0.1@example.com',
      'example.com#127.0.0.1',
    ]) {
      const answer = await exchange(servers[name], `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      expect(statusOf(answer), host).toBe(421);
    }
    const whole = 'GET http://example.com/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
    expect(statusOf(await exchange(servers[name], whole))).toBe(421);
    const port = new URL(servers[name]).port;
    const own = await exchange(servers[name], `GET / HTTP/1.1\r\nHost: LocalHost:${port}\r\nConnection: close\r\n\r\n`);
    expect(statusOf(own)).toBe(200);
  });

  it('keep a connection for the next request, but not for a body that nobody reads', async () => {
    const get = 'GET /health HTTP/1.1\r\nHost: localhost\r\n';
    const twice = `${get}\r\n${get}Connection: close\r\n\r\n`;
    expect((await exchange(service.address, twice)).match(/HTTP\/1\.1 200 /g)).toHaveLength(2);
    const unread = 'GET /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nx';
    expect(await exchange(service.address, unread)).toMatch(/^HTTP\/1\.1 200 [\s\S]*\r\nconnection: close\r\n/i);
  });
});

describe('a body', () => {
  const post = (address: string, body: string | Uint8Array, headers = {}) =>
    fetch(`${address}recommend`, { method: 'POST', body, headers });

  it('is refused in one line where it is nested without end, no UTF-8, or compressed', async () => {
    const failures: string[] = [];
    const { address, close } = await fakeService({ log: (line) => failures.push(line) });
    onTestFinished(() => void close());
    const deep = `${'['.repeat(30_000)}${']'.repeat(30_000)}`;
    const cases: [string | Uint8Array, number, string, object?][] = [
      [deep, 400, 'the body must be an object'],
      [`{"history":[${deep}]}`, 400, 'history has a list; an item is a number or a text'],
      [`{"history":[1],"top":${deep}}`, 400, 'top is a list; it must be a whole number'],
      [`{"history":[1],"explain":${deep}}`, 400, 'explain is a list; it must be true or false'],
      [`{"__proto__":{"history":[1]}}`, 400, 'unknown key "__proto__"'],
      [new Uint8Array([0x22, 0xff, 0x22]), 400, 'the body is not JSON: The encoded data was not valid'],
      ['{"history":["\\u001b[2J\\u009b"]}', 400, 'history has no item of this model'],
      ['x', 415, 'the body is in gzip; send it as it is', { 'content-encoding': 'gzip' }],
    ];
    for (const [body, status, message, headers] of cases) {
      const response = await post(address, body, headers);
      const { error } = (await response.json()) as { error: string };
      expect([response.status, error]).toEqual([status, expect.stringContaining(message)]);
    }
    expect(failures).toEqual([]);
  });

  it('that makes the service fail is 500, and its log says why', async () => {
    const failures: string[] = [];
    const ask = () => Promise.reject(new TypeError('x is not a function'));
    const { address, close } = await fakeService({ ask, log: (line) => failures.push(line) });
    onTestFinished(() => void close());
    const response = await post(address, '{"history":[1]}');
    expect([response.status, await response.json()]).toEqual([500, { error: 'the service failed; its log says more' }]);
    expect(failures).toEqual(['/recommend: x is not a function']);
  });
});

const NAMELESS = { titles: new Map<number, string>(), originals: new Map<number, string>() };
const placesOf = (numItems: number) =>
  new ScoringRecommender({
    ...{ name: 'places', numItems, window: 5, meaning: 'places' },
    scores: () => new Float64Array(numItems + 1),
  });

it('ends on a signal while a compiler still holds its first answers up', async () => {
  const recommender = placesOf(5);
  const asked = vi.spyOn(recommender, 'top').mockReturnValue(new Promise<never>(() => {}));
  const end = new AbortController();
  const onOpen = vi.fn();
  const served = serve({ recommender, names: NAMELESS }, { port: 0, signal: end.signal, onOpen });
  await vi.waitFor(() => expect(asked).toHaveBeenCalled());
  end.abort();
  await served;
  expect(onOpen).not.toHaveBeenCalled();
});

it('starts where few may wait, and counts no batches of its own', async () => {
  const end = new AbortController();
  let served: Promise<void> | undefined;
  const address = await new Promise<string>((onOpen, reject) => {
    served = serve(
      { recommender: placesOf(5), names: NAMELESS },
      { port: 0, maxWaiting: 1, signal: end.signal, onOpen },
    );
    served.catch(reject);
  });
  const metrics = await (await fetch(`${address}metrics`)).text();
  expect(metrics).toMatch(/^gsas_batch_size_count 0$/m);
  end.abort();
  await served;
});

it('is not held up by thousands of texts that are no titles, nor by one long one', async () => {
  const titles = new Map(Array.from({ length: 20_000 }, (_, i) => [i + 1, `Volume ${i} of a long story`]));
  const { address, close } = await fakeService({ titles });
  onTestFinished(() => void close());
  const history = ['1', ...Array.from({ length: 4000 }, (_, i) => `volme ${i.toString(36)}`)];
  const began = process.cpuUsage();
  const response = await fetch(`${address}recommend`, { method: 'POST', body: JSON.stringify({ history }) });
  const { unknown } = (await response.json()) as { unknown: { nearest: unknown[] }[] };
  expect(unknown).toHaveLength(4000);
  expect(unknown[0].nearest).toHaveLength(5);
  expect((await fetch(`${address}items?q=${'x'.repeat(10_000)}`)).status).toBe(200);
  const { user, system } = process.cpuUsage(began);
  expect((user + system) / 1e6).toBeLessThan(5);
});

it('counts a client that has left as gone, not as answered', async () => {
  const failures: string[] = [];
  let asked = 0;
  const ask = (_: unknown, signal: AbortSignal) =>
    new Promise((_, reject) => {
      asked++;
      signal.addEventListener('abort', () => reject(signal.reason));
    });
  const { address, close } = await fakeService({ ask, log: (line) => failures.push(line) });
  onTestFinished(() => void close());
  const waiting = await open(address);
  waiting.write('POST /recommend HTTP/1.1\r\nHost: localhost\r\nContent-Length: 15\r\n\r\n{"history":[1]}');
  await vi.waitFor(() => expect(asked).toBe(1));
  waiting.destroy();
  const sending = await open(address);
  sending.write('POST /recommend HTTP/1.1\r\nHost: localhost\r\nContent-Length: 15\r\n\r\n{"his');
  await new Promise((resolve) => setTimeout(resolve, 50));
  sending.resetAndDestroy();
  await vi.waitFor(async () => {
    const metrics = await (await fetch(`${address}metrics`)).text();
    expect(metrics).toMatch(/^gsas_requests_total\{path="\/recommend",status="499"\} 2$/m);
    expect(metrics).not.toContain('path="/recommend",status="200"');
  });
  expect(failures).toEqual([]);
});

it('shows titles as text, in a terminal too, and names the largest limit', async () => {
  const title = '\u001b[2J\u009b31m\u202eRan\n<b>';
  const { address, close } = await fakeService({
    titles: new Map([
      [1, title],
      [2, 'Up'],
    ]),
  });
  onTestFinished(() => void close());
  const response = await fetch(`${address}items?limit=1&q=1`);
  const text = await response.text();
  expect(text).not.toMatch(/[\p{Cc}\u202e]/u);
  expect(JSON.parse(text)).toEqual([{ item: 1, title }]);
  for (const limit of ['1000', '51', '0', '1e1', ' 1', '']) {
    const refused = await fetch(`${address}items?limit=${encodeURIComponent(limit)}`);
    const error = `limit is ${JSON.stringify(limit)}; it must be a whole number from 1 to 50`;
    expect([refused.status, await refused.json()]).toEqual([400, { error }]);
  }
});

describe('pages of other origins', () => {
  const ask = (address: string, origin: string, method = 'POST') =>
    fetch(`${address}recommend`, {
      method,
      headers: { origin },
      ...(method === 'POST' && { body: '{"history":[1]}' }),
    });

  it('may read the answers where they are listed, mistakes included, and ask before', async () => {
    const { address, close } = await fakeService({ cors: ['https://shop.example'] });
    onTestFinished(() => void close());
    const allowed = await ask(address, 'https://shop.example');
    expect([allowed.status, allowed.headers.get('access-control-allow-origin')]).toEqual([200, 'https://shop.example']);
    const other = await ask(address, 'https://evil.example');
    expect([other.headers.get('access-control-allow-origin'), other.headers.get('vary')]).toEqual([null, 'origin']);
    const missing = await fetch(`${address}nothing`, { headers: { origin: 'https://shop.example' } });
    expect([missing.status, missing.headers.get('access-control-allow-origin')]).toEqual([404, 'https://shop.example']);
    const before = await ask(address, 'https://shop.example', 'OPTIONS');
    expect(before.status).toBe(204);
    expect(before.headers.get('access-control-allow-methods')).toBe('POST');
    expect(before.headers.get('access-control-allow-headers')).toBe('content-type');
    const refused = await ask(address, 'https://evil.example', 'OPTIONS');
    expect([refused.status, await refused.json()]).toEqual([
      403,
      { error: 'pages of https://evil.example may not ask this service; serve --cors https://evil.example lets them' },
    ]);
  });

  it('may not where none is listed', async () => {
    const { address, close } = await fakeService();
    onTestFinished(() => void close());
    expect((await ask(address, 'https://shop.example')).headers.get('access-control-allow-origin')).toBe(null);
    expect((await ask(address, 'https://shop.example', 'OPTIONS')).status).toBe(403);
  });

  it('are named by scheme and host', () => {
    expect(parseOrigins('https://a.example, http://localhost:3000')).toEqual([
      'https://a.example',
      'http://localhost:3000',
    ]);
    expect(parseOrigins('*')).toEqual(['*']);
    expect(() => parseOrigins('https://a.example/shop')).toThrow('is no origin; did you mean https://a.example?');
    expect(() => parseOrigins('a.example')).toThrow('give scheme and host');
    expect(() => parseOrigins(' ')).toThrow('--cors is empty');
  });
});
