import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../src/base/errors.js';
import { Sequences } from '../src/data/dataset.js';
import type { Gpu } from '../src/engine/gpu.js';
import { popularity } from '../src/infer/baselines.js';
import { influence, reasonsIn } from '../src/infer/influence.js';
import { NeuralRecommender } from '../src/infer/neural.js';
import { initialParameters } from '../src/model/parameters.js';
import { Batcher, BusyError } from '../src/serve/batcher.js';
import { serve } from '../src/serve/serve.js';
import type { RecommendReply } from '../src/serve/service.js';
import { resolveConfig } from '../src/train/config.js';
import { openTestGpu } from './support/gpu.js';

const N = 40;
const config = resolveConfig(N, [{ embedding_dim: 16, num_heads: 2, num_blocks: 2, sequence_length: 6, gbce_t: 1 }]);
const checkpoint = { config, step: 7, epoch: 1, metrics: {}, weights: initialParameters(config, { seed: 2 }) };
const titles = new Map(Array.from({ length: N }, (_, i) => [i + 1, `Film <b>${i + 1}</b> ${'ABCD'[i % 4]}`]));

let gpu: Gpu;
let recommender: NeuralRecommender;
let address: string;
let served: Promise<void>;
const end = new AbortController();

beforeAll(async () => {
  gpu = await openTestGpu();
  recommender = NeuralRecommender.on(gpu, checkpoint);
  address = await new Promise((onOpen, reject) => {
    const options = { port: 0, maxBody: 2000, signal: end.signal, onOpen };
    served = serve({ recommender, names: { titles, originals: new Map() }, step: 7 }, options);
    served.catch(reject);
  });
});
afterAll(async () => {
  end.abort();
  await served;
  gpu.close();
});

const post = (body: unknown) =>
  fetch(`${address}recommend`, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) });

describe('the service', () => {
  it('recommends what the library recommends, with titles and calibrated probabilities', async () => {
    const reply = (await (await post({ history: [3, 9, 4], top: 5 })).json()) as RecommendReply;
    const [expected] = await recommender.top([[3, 9, 4]], { top: 5 });
    expect(reply.items).toEqual(
      expected!.map(({ item, score }) => ({
        item,
        title: titles.get(item),
        score,
        probability: 1 / (1 + Math.exp(-score)),
      })),
    );
    expect(reply.unknown).toEqual([]);
  });

  it('leaves out what is excluded, and what was seen unless told otherwise', async () => {
    const all = (await (await post({ history: [3, 9], top: N, filter_seen: false })).json()) as RecommendReply;
    expect(all.items).toHaveLength(N);
    const some = (await (await post({ history: [3, 9], top: N, exclude: [5] })).json()) as RecommendReply;
    expect(some.items.map(({ item }) => item)).toEqual(
      all.items.map(({ item }) => item).filter((item) => ![3, 9, 5].includes(item)),
    );
  });

  it('takes titles, tells what is unknown, and weighs the last window of the history', async () => {
    const history = [1, 2, 'film <b>7</b> c', 'nothing like it', 4, 5, 6, 99, 8];
    const reply = (await (await post({ history, explain: true })).json()) as RecommendReply;
    expect(reply.history.map(({ item }) => item)).toEqual([1, 2, 7, 4, 5, 6, 8]);
    expect(reply.history[0].weight).toBe(0); // before the window of 6
    expect(reply.history.reduce((sum, { weight }) => sum + weight!, 0)).toBeCloseTo(1, 5);
    expect(reply.unknown.map(({ text }) => text)).toEqual(['nothing like it', '99']);
  });

  it('says why: what each item of the history did to each score', async () => {
    const ask = async (question: object) => (await (await post(question)).json()) as RecommendReply;
    const [plain, reply] = await Promise.all([
      ask({ history: [3, 9, 4], top: 4 }),
      ask({ history: [3, 9, 4], top: 4, why: true, explain: true }),
    ]);
    expect(reply.items.map(({ why: _, ...item }) => item)).toEqual(plain.items);
    const changes = await influence(
      recommender,
      [3, 9, 4],
      reply.items.map(({ item }) => item),
    );
    expect(reply.items.map(({ why }) => why)).toEqual(changes.map(reasonsIn));
    expect(reply.items[0].why!.map(({ place }) => place).sort()).toEqual([0, 1, 2]);
    for (const { why } of (await ask({ history: [3], why: true })).items) expect(why).toBeUndefined();
    expect(await ask({ history: [3, 4], only: [4], why: true })).toMatchObject({ items: [] });
  });

  it('looks for reasons among the latest 50 items of a long history', async () => {
    const long = resolveConfig(N, [{ embedding_dim: 8, num_blocks: 1, sequence_length: 60 }]);
    const model = NeuralRecommender.on(gpu, { config: long, weights: initialParameters(long, { seed: 3 }) });
    const batcher = new Batcher(model, 10, () => {});
    const history = Array.from({ length: 70 }, (_, i) => 1 + (i % N));
    const query = { history, top: 2, exclude: [], explain: false, why: true };
    const { changes } = await batcher.ask(query, new AbortController().signal);
    for (const row of changes!) {
      expect([...row.subarray(0, 20)]).toEqual(Array(20).fill(0));
      expect(row[20]).not.toBe(0);
    }
  });

  it('takes numbers as the log has them, and the model’s own in an object', async () => {
    const names = {
      titles,
      originals: new Map([
        [1, '7'],
        [7, '2571'],
        [9, 'x'],
      ]),
    };
    const stop = new AbortController();
    let ended: Promise<void> | undefined;
    const at = await new Promise<string>((onOpen, reject) => {
      ended = serve({ recommender, names }, { port: 0, signal: stop.signal, onOpen });
      ended.catch(reject);
    });
    const ask = async (history: unknown[]) => {
      const response = await fetch(`${at}recommend`, { method: 'POST', body: JSON.stringify({ history, top: 1 }) });
      return [response.status, (await response.json()) as RecommendReply] as const;
    };
    const [, reply] = await ask([7, '7', 2571, { item: 7 }, '#9', 9, { item: 99 }]);
    expect(reply.history.map(({ item }) => item)).toEqual([1, 1, 7, 7, 9]);
    expect(reply.unknown.map(({ text }) => text)).toEqual(['9', '#99']);
    const [status, refused] = await ask(['nothing like it', 'film b']);
    expect(status).toBe(400);
    expect(refused.unknown.map(({ text }) => text)).toEqual(['nothing like it', 'film b']);
    expect(refused.unknown[1].nearest.length).toBeGreaterThan(0);
    stop.abort();
    await ended;
  });

  it('answers many at once, each with its own', async () => {
    const histories = Array.from({ length: 150 }, (_, i) => [1 + (i % N), 1 + ((7 * i) % N)]);
    const replies = await Promise.all(
      histories.map(async (history, i) => (await (await post({ history, top: 1 + (i % 9) })).json()) as RecommendReply),
    );
    const expected = await recommender.top(histories, { top: 9 });
    replies.forEach(({ items }, i) => {
      expect(items.map(({ item }) => item)).toEqual(expected[i].slice(0, 1 + (i % 9)).map(({ item }) => item));
    });
    const metrics = await (await fetch(`${address}metrics`)).text();
    expect(metrics).toMatch(/^gsas_requests_total\{path="\/recommend",status="200"\} \d{3}$/m);
  });

  it.each<[string, unknown, number, string]>([
    ['no JSON', '{', 400, 'the body is not JSON'],
    ['no object', '[1]', 400, 'the body must be an object'],
    ['an unknown key', { histroy: [1] }, 400, 'unknown key "histroy"; did you mean history?'],
    ['no history', {}, 400, 'history must be a list'],
    ['an empty history', { history: [] }, 400, 'history has no item of this model'],
    ['only unknown items', { history: [0, N + 1] }, 400, 'history has no item of this model'],
    ['an item that is none', { history: [{}] }, 400, 'history has {}; an item is a number or a text'],
    ['a top of 0', { history: [1], top: 0 }, 400, 'top is 0; it must be a whole number from 1 to 512'],
    ['a top beyond', { history: [1], top: 513 }, 400, 'top is 513'],
    ['a number for a flag', { history: [1], why: 1 }, 400, 'why is 1; it must be true or false'],
    ['a word for a flag', { history: [1], explain: 'yes' }, 400, 'explain is "yes"; it must be true or false'],
    ['a long body', { history: Array(2000).fill(1) }, 413, 'the body has more than 2000 bytes'],
  ])('refuses %s', async (_, body, status, message) => {
    const response = await post(body);
    expect(response.status).toBe(status);
    expect(((await response.json()) as { error: string }).error).toContain(message);
  });

  it('says what it has where it is asked for something else', async () => {
    const missing = await fetch(`${address}nothing`);
    expect([missing.status, await missing.json()]).toEqual([404, { error: expect.stringContaining('/recommend') }]);
    const wrong = await fetch(`${address}recommend`);
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'POST']);
    expect((await fetch(`${address}items?limit=0`)).status).toBe(400);
  });

  it('answers no page of another site that points its name here', async () => {
    const status = await new Promise((resolve, reject) => {
      const asked = request(`${address}health`, { headers: { host: 'example.com' } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      asked.on('error', reject).end();
    });
    expect(status).toBe(421);
  });

  it('tells its health and finds items', async () => {
    const health = await (await fetch(`${address}health`)).json();
    expect(health).toMatchObject({ status: 'ok', model: 'gSASRec', items: N, window: 6, explains: true, step: 7 });
    const found = (await (await fetch(`${address}items?q=17&limit=3`)).json()) as { item: number }[];
    expect(found[0].item).toBe(17);
    expect((await fetch(`${address}items`, { method: 'HEAD' })).status).toBe(200);
  });

  it('cannot have a port that is taken', async () => {
    const port = Number(new URL(address).port);
    const names = { titles, originals: new Map() };
    const second = serve({ recommender, names }, { port, signal: end.signal, onOpen: () => {} });
    await expect(second).rejects.toThrow(
      new InputError(
        `port ${port} of 127.0.0.1 cannot be had (listen EADDRINUSE: address already in use 127.0.0.1:${port}); choose another with --port`,
      ),
    );
  });
});

/** Serves popularity among four items while `work` sends requests. */
async function withBaseline(work: (address: string) => Promise<void>): Promise<void> {
  const none = { inputs: Sequences.from([]), targets: new Uint32Array(0) };
  const train = Sequences.from([[1, 2, 3], [2, 3], [3]]);
  const dataset = { name: 'tiny', numItems: 4, train, val: none, test: none };
  const stop = new AbortController();
  let ended: Promise<void> | undefined;
  const at = await new Promise<string>((onOpen, reject) => {
    const names = { titles, originals: new Map() };
    const model = { recommender: popularity(dataset), names, filterRated: false };
    ended = serve(model, { port: 0, signal: stop.signal, onOpen });
    ended.catch(reject);
  });
  await work(at).finally(() => stop.abort());
  await ended;
}

describe('a baseline', () => {
  it('is served like a model, without a GPU and without what it cannot explain', () =>
    withBaseline(async (at) => {
      const ask = async (body: object) =>
        (await fetch(`${at}recommend`, { method: 'POST', body: JSON.stringify(body) })).json();
      const { items } = (await ask({ history: [3], top: 3 })) as RecommendReply;
      expect(items.map(({ item, score }) => [item, score])).toEqual([
        [3, 3],
        [2, 2],
        [1, 1],
      ]);
      expect(items[0]).not.toHaveProperty('probability');
      expect(await ask({ history: [3], explain: true })).toEqual({
        error: 'popularity has no attention that could explain its answers; leave out explain',
      });
      expect(await (await fetch(`${at}health`)).json()).toEqual({
        ...{ status: 'ok', model: 'popularity', items: 4, window: 0, explains: false },
        scores: 'scores are occurrences in training',
      });
    }));
});

describe('the batcher', () => {
  const query = { history: [1], top: 1, exclude: [], explain: false };

  it('answers together what has come while it was at work', async () => {
    const sizes: number[] = [];
    const batcher = new Batcher(recommender, 1000, (size) => sizes.push(size));
    const { signal } = new AbortController();
    const alone = batcher.ask(query, signal);
    await new Promise(setImmediate); // it is at work
    const answers = Array.from({ length: 150 }, (_, i) => batcher.ask({ ...query, history: [1 + (i % N)] }, signal));
    expect(batcher.waiting).toBe(150);
    await Promise.all([alone, ...answers]);
    expect(sizes).toEqual([1, 64, 64, 22]);
  });

  it('refuses more than may wait', async () => {
    const batcher = new Batcher(recommender, 2, () => {});
    const { signal } = new AbortController();
    const first = [batcher.ask(query, signal), batcher.ask(query, signal)];
    expect(() => batcher.ask(query, signal)).toThrow(BusyError);
    await Promise.all(first);
    expect(batcher.waiting).toBe(0);
  });

  it('drops the question of a client that has gone, and fails none but the batch that fails', async () => {
    const sizes: number[] = [];
    const batcher = new Batcher(recommender, 10, (size) => sizes.push(size));
    const gone = new AbortController();
    const { signal } = new AbortController();
    const [dropped, answered] = [batcher.ask(query, gone.signal), batcher.ask(query, signal)];
    gone.abort(new Error('gone'));
    await expect(dropped).rejects.toThrow('gone');
    expect((await answered).items).toHaveLength(1);
    expect(sizes).toEqual([1]);
    await expect(batcher.ask({ ...query, history: [N + 5] }, signal)).rejects.toThrow('items of this model are 1 to');
    expect((await batcher.ask(query, signal)).items).toHaveLength(1);
  });
});
