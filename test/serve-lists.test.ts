import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RecommendReply, SimilarReply, UserExample } from '../src/serve/service.js';
import { gsas, type Running, startGsas } from './support/command.js';
import { objectsOf } from './support/output.js';
import { scratchFolder } from './support/scratch.js';
import { importShop, SHOP_FLAGS, shopLog } from './support/shop.js';

const at = scratchFolder();
let service: Running;
let address: string;

beforeAll(async () => {
  await importShop(at(), 'data');
  const limits = ['--max-epochs', '1', '--no-report'];
  expect(await gsas(at(), 'train', '--data', 'data', '--out', 'run', ...SHOP_FLAGS, ...limits)).toMatchObject({
    status: 0,
  });
  service = startGsas(at(), 'serve', 'run', '--port', '0');
  [address] = await service.printed(/http:\/\/\S+/);
});
afterAll(async () => {
  service.signal('SIGTERM');
  expect(await service.ended).toMatchObject({ status: 0, stderr: '' });
});

async function ask<T>(path: string, body?: object): Promise<{ status: number; answer: T & { error: string } }> {
  const response = await fetch(address + path, body && { method: 'POST', body: JSON.stringify(body) });
  return { status: response.status, answer: (await response.json()) as T & { error: string } };
}

/** What the command prints for the same question, without what only it has. */
async function printed(...args: string[]) {
  const { status, stdout } = await gsas(at(), ...args, '--json');
  expect(status).toBe(0);
  return objectsOf(stdout).map(({ rank: _, user: __, similar_to: ___, ...row }) => row);
}

describe('a service of a run', () => {
  it('says what the model was trained on and how good it is', async () => {
    const { answer } = await ask<object>('health');
    expect(answer).toMatchObject({
      ...{ run: 'run', data: { name: 'data', users: 40, items: 30 } },
      quality: {
        split: 'validation',
        metrics: [{ name: 'NDCG@10', value: expect.any(Number) }, { name: 'Recall@10' }],
      },
    });
  });

  it('offers users of its data, with the items that they went on to', async () => {
    const did = new Map<string, string[]>();
    for (const line of shopLog().trim().split('\n').slice(1)) {
      const [user, item] = line.split(',');
      did.set(user, [...(did.get(user) ?? []), item]);
    }
    const { answer } = await ask<UserExample[]>('examples');
    expect(answer).toHaveLength(6);
    for (const { user, history, next } of answer)
      expect([...history, next!].map(({ original_id }) => original_id)).toEqual(did.get(user));
  });

  it('says why as the command does', async () => {
    const { answer } = await ask<RecommendReply>('recommend', { history: ['sku-3', 'thing 4', 'sku-9'], why: true });
    const named = answer.items.map(({ why, ...item }) => ({
      ...item,
      why: why!.map(({ place, change }) => {
        const { category: _, ...of } = answer.history[place];
        return { ...of, change };
      }),
    }));
    expect(named).toEqual(await printed('recommend', 'run', '--history', 'sku-3; thing 4; sku-9', '--why'));
  });
});

describe('a service answers as the command does', () => {
  it.each<[string, object, string[]]>([
    ['after a history', { history: ['sku-3', 'thing 4'] }, ['--history', 'sku-3; thing 4']],
    ['for a user, after all that they did', { user: 'u7' }, ['--user', 'u7']],
    ['for a user, seen items too', { user: 'u7', filter_seen: false }, ['--user', 'u7', '--no-filter-seen']],
    [
      'without some items',
      { user: 'u7', exclude: ['sku-1', { item: 2 }] },
      ['--user', 'u7', '--exclude', 'sku-1', '#2'],
    ],
    [
      'among some items',
      { user: 'u8', only: ['sku-4', 'Thing 5', 'sku-6'] },
      ['--user', 'u8', '--only', 'sku-4;thing 5;sku-6'],
    ],
    ['so many of a category', { user: 'u9', per_category: 2 }, ['--user', 'u9', '--per-category', '2']],
    ['among popular items', { user: 'u9', min_popularity: 12 }, ['--user', 'u9', '--min-popularity', '12']],
    ['among old items', { user: 'u9', min_age: 12 }, ['--user', 'u9', '--min-age', '12']],
    [
      'all at once',
      {
        user: 'u5',
        only: Array.from({ length: 20 }, (_, i) => `sku-${i}`),
        min_popularity: 9,
        per_category: 1,
        top: 3,
      },
      [
        '--user',
        'u5',
        '--only',
        Array.from({ length: 20 }, (_, i) => `sku-${i}`).join(' '),
        '--min-popularity',
        '9',
        '--per-category',
        '1',
        '--top',
        '3',
      ],
    ],
  ])('%s', async (_, body, args) => {
    const { status, answer } = await ask<RecommendReply>('recommend', { top: 30, ...body });
    expect(status).toBe(200);
    const expected = await printed('recommend', 'run', '--top', '30', ...args);
    expect(expected.length).toBeGreaterThan(0);
    expect(answer.items).toEqual(expected);
  });

  it('about similar items', async () => {
    const query = 'similar?item=thing%203&top=4&exclude=sku-1&exclude=%232&per_category=2';
    const { status, answer } = await ask<SimilarReply>(query);
    const args = ['--top', '4', '--exclude', 'sku-1', '#2', '--per-category', '2'];
    expect([status, answer.items]).toEqual([200, await printed('similar', 'run', 'thing 3', ...args)]);
    expect(answer.similar_to).toMatchObject({ original_id: 'sku-3', title: 'Thing 3', category: 'group 0' });
  });

  it('to many at once who want different things', async () => {
    const bodies = Array.from({ length: 60 }, (_, i) => ({
      ...{ user: `u${i % 40}`, top: 1 + (i % 7) },
      ...(i % 3 === 0 && { per_category: 1 + (i % 2) }),
      ...(i % 4 === 0 && { only: Array.from({ length: 12 }, (_, j) => `sku-${(i + j) % 30}`) }),
    }));
    const alone = [];
    for (const body of bodies) alone.push((await ask<RecommendReply>('recommend', body)).answer.items);
    const together = await Promise.all(bodies.map((body) => ask<RecommendReply>('recommend', body)));
    const ids = (lists: RecommendReply['items'][]) => lists.map((list) => list.map(({ item }) => item));
    expect(ids(together.map(({ answer }) => answer.items))).toEqual(ids(alone));
  });
});

describe('a service refuses in one line', () => {
  it.each<[string, object, RegExp]>([
    ['an unknown user', { user: 'u99' }, /^user "u99" is not in the data$/],
    ['a user that is none', { user: ['u1'] }, /^user is \["u1"\]; it must be a user's id/],
    ['history and user', { user: 'u1', history: ['sku-1'] }, /^give history or user, not both$/],
    ['neither', {}, /^history must be a list of item ids or titles; or name a user/],
    [
      'an allow-list of unknown items',
      { user: 'u1', only: ['nothing'] },
      /^only has no item of this model; give ids or titles$/,
    ],
    ['a limit of none', { user: 'u1', per_category: 0 }, /^per_category is 0; it must be a whole number from 1/],
    [
      'a popularity that is none',
      { user: 'u1', min_popularity: -1 },
      /^min_popularity is -1; it must be a whole number from 0/,
    ],
  ])('%s', async (_, body, message) => {
    const { status, answer } = await ask('recommend', body);
    expect([status, answer.error]).toEqual([400, expect.stringMatching(message)]);
  });

  it.each<[string, RegExp]>([
    ['similar', /^say which item/],
    ['similar?item=sku-1&item=sku-2', /^item has 2 items; 1 is the most$/],
    ['similar?item=sku-1&top=1e1', /^top is "1e1"; it must be a whole number from 1 to 512$/],
    ['similar?itme=sku-1', /^unknown key "itme"; did you mean item\?$/],
    ['similar?item=thing', /^item has no item of this model; give an id or a title$/],
  ])('%s', async (path, message) => {
    const { status, answer } = await ask<{ unknown?: { nearest: object[] }[] }>(path);
    expect([status, answer.error]).toEqual([400, expect.stringMatching(message)]);
    if (path.endsWith('=thing')) expect(answer.unknown![0].nearest.length).toBeGreaterThan(0);
  });

  it('what a baseline does not know', async () => {
    const baseline = startGsas(at(), 'serve', '--model', 'popularity', '--data', 'data', '--port', '0');
    const [other] = await baseline.printed(/http:\/\/\S+/);
    const similar = await fetch(`${other}similar?item=sku-1`);
    expect([similar.status, await similar.json()]).toEqual([
      400,
      { error: 'popularity has no vectors of items that could be compared; name a trained model' },
    ]);
    const body = JSON.stringify({ user: 'u1', min_popularity: 12, top: 5 });
    const { items } = (await (await fetch(`${other}recommend`, { method: 'POST', body })).json()) as RecommendReply;
    expect(items.length).toBeGreaterThan(0);
    for (const { score } of items) expect(score).toBeGreaterThanOrEqual(12);
    baseline.signal('SIGTERM');
    expect(await baseline.ended).toMatchObject({ status: 0 });
  });
});
