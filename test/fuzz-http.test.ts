import { once } from 'node:events';
import { Agent, request } from 'node:http';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Sequences } from '../src/data/dataset.js';
import { watchRun } from '../src/serve/watch.js';
import { KnownUsers } from '../src/store/users.js';
import { anyText, fuzz, mutated } from './support/fuzz.js';
import { fakeRun } from './support/run.js';
import { scratchFolder } from './support/scratch.js';
import { fakeService, ITEMS } from './support/service.js';
import { exchange } from './support/socket.js';

const at = scratchFolder();
const agent = new Agent({ keepAlive: true });
const failures: string[] = [];
const end = new AbortController();
let service: Awaited<ReturnType<typeof fakeService>>;
let watching: Promise<void>;
let servers: Record<string, string>;

beforeAll(async () => {
  service = await fakeService({
    maxBody: 2000,
    users: () => new KnownUsers(Sequences.from([[1, 2], []]), ['ann', '7']),
    categories: new Map([[1, 'drama']]),
    counts: new Map([[1, 9]]),
    hosts: ['127.0.0.1'],
    cors: ['https://shop.example'],
    log: (line) => failures.push(line),
  });
  const watch = await new Promise<string>((onOpen) => {
    watching = watchRun(fakeRun(at('run')), { port: 0, signal: end.signal, onOpen });
  });
  servers = { serve: service.address, watch };
});
afterAll(async () => {
  agent.destroy();
  end.abort();
  await watching;
  await service.close();
});

interface Response {
  status: number;
  body: string;
}

async function ask(path: string, method: string, body?: string | Uint8Array, headers = {}): Promise<Response> {
  const { hostname, port } = new URL(service.address);
  const asked = request({ hostname, port, path, method, agent, headers }).end(body);
  const [response] = await once(asked, 'response');
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  return { status: response.statusCode, body: text };
}

/** Expects of every answer: a success of the right shape, or one line that says why not, and never a failure of the service. */
function expectAnswer({ status, body }: Response): void {
  expect([200, 400, 413, 415]).toContain(status);
  expect(body).not.toMatch(/[\p{Cc}\u202e]/u);
  const answer = JSON.parse(body);
  if (status !== 200) {
    const { unknown = [], ...refusal } = answer;
    expect(refusal).toEqual({ error: expect.stringMatching(/^.{1,510}$/u) });
    for (const one of unknown) expect(Object.keys(one)).toEqual(['text', 'nearest']);
    return;
  }
  expect(Object.keys(answer)).toEqual(['items', 'history', 'unknown']);
  for (const { item } of [...answer.items, ...answer.history]) expect(item >= 1 && item <= ITEMS).toBe(true);
}

describe('a question', () => {
  const item = fc.oneof(
    fc.integer({ min: -2, max: ITEMS + 2 }),
    fc.double(),
    anyText,
    fc.constantFrom('Film 3 C', '#4', 'film'),
    fc.jsonValue(),
  );
  const question = fc.record(
    {
      history: fc.oneof(fc.array(item, { maxLength: 8 }), fc.jsonValue()),
      top: fc.oneof(fc.integer({ min: -1, max: 600 }), fc.jsonValue()),
      exclude: fc.oneof(fc.array(item, { maxLength: 4 }), fc.jsonValue()),
      user: fc.oneof(fc.constantFrom('ann', 7, '#1', '#3'), fc.jsonValue()),
      only: fc.oneof(fc.array(item, { maxLength: 4 }), fc.jsonValue()),
      per_category: fc.oneof(fc.integer({ min: -1, max: 3 }), fc.jsonValue()),
      min_popularity: fc.oneof(fc.integer({ min: -1, max: 20 }), fc.jsonValue()),
      filter_seen: fc.oneof(fc.boolean(), fc.jsonValue()),
      explain: fc.oneof(fc.boolean(), fc.jsonValue()),
      why: fc.oneof(fc.boolean(), fc.jsonValue()),
      ['__proto__']: fc.jsonValue(),
    },
    { requiredKeys: [] },
  );

  it('of any values is answered, or refused in one line', async () => {
    await fuzz(
      fc.oneof(
        question.map((value) => JSON.stringify(value)),
        fc.json(),
        anyText,
      ),
      async (body) => {
        expectAnswer(await ask('/recommend', 'POST', body));
      },
    );
    expect(failures).toEqual([]);
  });

  it('with faults in its bytes is answered, or refused in one line', async () => {
    const good = Buffer.from(
      JSON.stringify({
        history: [1, 'Film 2 B', 'nöthing'],
        top: 5,
        exclude: [3],
        filter_seen: true,
        explain: true,
        why: true,
      }),
    );
    await fuzz(mutated(good), async (body) => expectAnswer(await ask('/recommend', 'POST', body)));
    expect(failures).toEqual([]);
  });
});

describe.each(['serve', 'watch'])('%s', (name) => {
  const token = fc.oneof(
    fc.constantFrom(
      'GET',
      'POST',
      'HEAD',
      'OPTIONS',
      'CONNECT',
      'PRI',
      ' ',
      '\r\n',
      '\r\n\r\n',
      '\n',
      'HTTP/1.1',
      'HTTP/9.9',
      'Host: 127.0.0.1',
      'Host: x',
      'Origin: https://shop.example',
      'Content-Length: 5',
      'Content-Length: -1',
      'Transfer-Encoding: chunked',
      'Expect: 100-continue',
      'Upgrade: h2c',
      'Connection: close',
      'Connection: upgrade',
      'Content-Encoding: gzip',
    ),
    fc.constantFrom(
      '/',
      '//',
      '/recommend',
      '/items?limit=%',
      '/items?q=%ff',
      '/similar?item=1&top=',
      '/similar?__proto__=1',
      '/events',
      '*',
      'http://[',
      '/?#',
    ),
    anyText,
    fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  );
  const bytes = fc.oneof(
    fc.array(token, { maxLength: 12 }).map((tokens) => Buffer.from(tokens.join(''), 'latin1')),
    mutated(
      Buffer.from(
        'POST /recommend?x=1 HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: https://shop.example\r\nContent-Length: 15\r\nConnection: close\r\n\r\n{"history":[1]}',
      ),
    ),
    fc
      .webPath()
      .chain((path) =>
        fc
          .webQueryParameters()
          .map((query) => Buffer.from(`GET ${path}?${query} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`)),
      ),
  );

  it('outlives any bytes, and answers none of them with a failure', async () => {
    await fuzz(bytes, async (sent) => {
      expect(await exchange(servers[name], sent, 'half')).not.toMatch(/^HTTP\/1\.1 5(?!05 )/);
    });
    expect((await fetch(servers[name])).status).toBe(200);
    expect(failures).toEqual([]);
  });
});
