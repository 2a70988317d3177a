import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { HostRandom } from '../src/base/philox.js';
import { quantile } from '../src/data/bootstrap.js';
import { writeDataset } from '../src/store/layout.js';
import { type Running, startGsas } from './support/command.js';
import { scratchFolder } from './support/scratch.js';
import { dataset, MODEL } from './support/small.js';
import { exchange, open, statusOf } from './support/socket.js';
import { writeUntrainedRun } from './support/untrained-run.js';

/** `npm run soak` takes ten minutes. */
const SECONDS = Number(process.env.GSAS_SOAK_SECONDS ?? 5);
const CLIENTS = 64;
const MOST_BODY = 20_000;
/** Growth allowed between the first quarter, in which everything is used once, and the end: V8 takes some seconds to settle. */
const MOST_GROWTH = (SECONDS < 60 ? 128 : 48) * 2 ** 20;
const TOP = 7;
/** How often the model is loaded anew. */
const RELOAD_MS = 2000;

const at = scratchFolder();

interface Tally {
  readonly milliseconds: number[];
  readonly counts: Record<string, number>;
  readonly wrong: string[];
}

type Act = (address: string, body: string) => Promise<unknown>;

/** What a client may do, and how often in a thousand times; the rest are good requests. */
const TROUBLE: Readonly<Record<string, { share: number; act: Act }>> = {
  'odd target': { share: 2, act: async (address) => expectStatus(await exchange(address, head('GET', '//')), 404) },
  'no HTTP': { share: 2, act: async (address) => expectStatus(await exchange(address, '\x16\x03\x01\0\r\n\r\n'), 400) },
  'no JSON': {
    share: 3,
    act: async (address, body) => expectStatus(await exchange(address, post(body.slice(1))), 400),
  },
  'deep JSON': { share: 3, act: async (address) => expectStatus(await exchange(address, post('['.repeat(9000))), 400) },
  'long body': {
    share: 5,
    act: async (address) => expectStatus(await exchange(address, post('1'.repeat(MOST_BODY + 1))), 413),
  },
  'killed in the question': { share: 5, act: (address, body) => leave(address, post(body).slice(0, -5)) },
  'killed before the answer': { share: 5, act: (address, body) => leave(address, post(body)) },
  'slow writer': { share: 3, act: writeSlowly },
  'slow reader': { share: 3, act: readSlowly },
};

const DECK: readonly (readonly [name: string, act?: Act])[] = Object.entries(TROUBLE)
  .flatMap(([name, { share, act }]) => Array<readonly [string, Act?]>(share).fill([name, act]))
  .concat(Array(1000).fill(['good']))
  .slice(0, 1000);

function head(method: string, target: string, length = 0): string {
  return `${method} ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: ${length}\r\n\r\n`;
}

function post(body: string): string {
  return head('POST', '/recommend', Buffer.byteLength(body)) + body;
}

function expectStatus(answer: string, status: number): void {
  // A server that closes with unread bytes may cancel its answer with a reset.
  if (answer !== '') expect(statusOf(answer)).toBe(status);
}

async function leave(address: string, bytes: string): Promise<void> {
  const socket = await open(address);
  socket.write(bytes);
  await sleep(2);
  socket.resetAndDestroy();
}

async function writeSlowly(address: string, body: string): Promise<void> {
  const socket = await open(address);
  let answer = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    answer += text;
  });
  const closed = once(socket, 'close');
  const bytes = post(body);
  for (let i = 0; i < bytes.length; i += 40) {
    socket.write(bytes.slice(i, i + 40));
    await sleep(50);
  }
  await closed;
  expect(statusOf(answer)).toBe(200);
}

async function readSlowly(address: string, body: string): Promise<void> {
  const socket = await open(address);
  const closed = once(socket, 'close');
  socket.pause();
  socket.write(post(body));
  await sleep(500);
  let answer = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    answer += text;
  });
  socket.resume();
  await closed;
  expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n'))).items).toHaveLength(TOP);
}

/** A good request, whose answer must be right. */
async function ask(address: string, agent: Agent, history: number[]): Promise<void> {
  const { hostname, port } = new URL(address);
  const asked = request({ hostname, port, agent, path: '/recommend', method: 'POST' });
  asked.end(JSON.stringify({ history, top: TOP }));
  const [response] = await once(asked, 'response');
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  if (response.statusCode !== 200) throw new Error(`a good question was answered by ${response.statusCode}: ${text}`);
  const answer = JSON.parse(text) as { items: { item: number }[]; history: { item: number }[] };
  expect(answer.history.map(({ item }) => item)).toEqual(history);
  expect(answer.items).toHaveLength(TOP);
  for (const { item } of answer.items) expect(history).not.toContain(item);
}

async function client(address: string, agent: Agent, seed: number, until: number, tally: Tally): Promise<void> {
  const random = new HostRandom(seed, 0);
  const draw = (n: number) => Math.floor(n * random.uniform());
  while (performance.now() < until) {
    const history = [...new Set(Array.from({ length: 1 + draw(12) }, () => 1 + draw(dataset.numItems)))];
    const [name, act] = DECK[draw(DECK.length)];
    const began = performance.now();
    try {
      if (act) await act(address, JSON.stringify({ history, top: TOP }));
      else {
        await ask(address, agent, history);
        tally.milliseconds.push(performance.now() - began);
      }
    } catch (error) {
      tally.wrong.push(`${name}: ${(error as Error).message}`);
    }
    tally.counts[name] = (tally.counts[name] ?? 0) + 1;
  }
}

async function metric(address: string, name: RegExp): Promise<number> {
  const text = await (await fetch(`${address}metrics`)).text();
  return Number(name.exec(text)?.[1] ?? 0);
}

/** The smallest value in a second, between two garbage collections. */
async function memory(address: string): Promise<number> {
  let least = Infinity;
  for (let i = 0; i < 5; i++) {
    least = Math.min(least, await metric(address, /^process_resident_memory_bytes (\S+)$/m));
    await sleep(200);
  }
  return least;
}

async function serving(): Promise<{ address: string; service: Running }> {
  writeDataset(at('data'), dataset);
  writeUntrainedRun(at('run'), { options: MODEL, data: at('data') });
  const service = startGsas(at(), 'serve', 'run', '--port', '0', '--max-body', String(MOST_BODY));
  const line = await service.printed(/http:\/\/\S+/);
  return { address: line[0], service };
}

it(`answers ${CLIENTS} clients for ${SECONDS} s, some of them malformed, killed, slow or without measure, while its model is replaced`, async () => {
  const { address, service } = await serving();
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
  const tally: Tally = { milliseconds: [], counts: {}, wrong: [] };
  const began = performance.now();
  // They never finish their headers and must be cut off.
  const hanging = await Promise.all(Array.from({ length: 16 }, () => open(address)));
  for (const socket of hanging) socket.resume().write('GET /health HTTP/1.1\r\nX-');
  const clients = Array.from({ length: CLIENTS }, (_, i) =>
    client(address, agent, 1 + i, began + 1000 * SECONDS, tally),
  );
  const reloading = process.platform === 'win32' ? undefined : setInterval(() => service.signal('SIGHUP'), RELOAD_MS);
  await sleep(250 * SECONDS);
  const early = await memory(address);
  await Promise.all(clients);
  clearInterval(reloading);
  const late = await memory(address);
  agent.destroy();

  const sorted = tally.milliseconds.sort((a, b) => a - b);
  const [p50, p99] = [0.5, 0.99].map((p) => quantile(sorted, p).toFixed(0));
  const rate = (sorted.length / SECONDS).toFixed(0);
  console.log(
    `${sorted.length} good answers, ${rate} a second, p50 ${p50} ms, p99 ${p99} ms; RSS ${(early / 2 ** 20).toFixed(0)} to ${(late / 2 ** 20).toFixed(0)} MiB; ${JSON.stringify(tally.counts)}`,
  );
  if (SECONDS > 30) expect(hanging.filter((socket) => !socket.destroyed)).toEqual([]);
  for (const socket of hanging) socket.destroy();
  expect(tally.wrong).toEqual([]);
  expect(sorted.length).toBeGreaterThan(CLIENTS);
  expect(late - early).toBeLessThan(MOST_GROWTH);
  expect(await metric(address, /^gsas_waiting_requests (\d+)$/m)).toBe(0);
  expect(
    await metric(address, /^gsas_requests_total\{path="\/recommend",status="200"\} (\d+)$/m),
  ).toBeGreaterThanOrEqual(sorted.length);
  service.signal('SIGTERM');
  const { stdout, ...ended } = await service.ended;
  expect(ended).toEqual({ status: 0, stderr: '' });
  const reloads = stdout.match(/is served from now on$/gm)?.length ?? 0;
  if (reloading) expect(reloads).toBeGreaterThanOrEqual(Math.floor((1000 * SECONDS) / RELOAD_MS / 2));
});
