import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Sequences } from '../src/data/dataset.js';
import { PATHS } from '../src/serve/openapi.js';
import { KnownUsers } from '../src/store/users.js';
import { fakeService } from './support/service.js';

describe('the OpenAPI document', () => {
  it('is valid, lists what is there, and describes what comes', async () => {
    const { address, close } = await fakeService({
      users: () => new KnownUsers(Sequences.from([[1, 2]]), ['ann']),
      categories: new Map([[1, 'drama']]),
      counts: new Map([[1, 9]]),
      examples: () => [{ user: 'ann', history: [1, 2], next: 3 }],
      card: {
        run: 'first',
        data: { name: 'films', users: 2, items: 40, interactions: 9, meanLength: 4.5 },
        quality: { split: 'test', metrics: [{ name: 'NDCG@10', value: 0.1, compared: [{ name: 'other', value: 0 }] }] },
      },
    });
    onTestFinished(() => void close());
    const document = (await (await fetch(`${address}openapi.json`)).json()) as {
      info: object;
      components: { schemas: Record<string, { properties: object }> };
      paths: Record<
        string,
        Record<string, { responses: Record<string, { content: Record<string, { schema: object }> }> }>
      >;
    };
    expect(await new Validator().validate(document)).toEqual({ valid: true });
    expect(document.info).toMatchObject({ version: '1.2.3' });
    const ajv = new Ajv2020({ strict: false });
    ajv.addSchema({ $id: 'api:/', ...document });
    const check = async (path: keyof typeof PATHS, init: RequestInit = {}, query = '') => {
      const response = await fetch(new URL(path + query, address), init);
      const method = (init.method ?? 'GET').toLowerCase();
      const { content } = document.paths[path][method].responses[response.status];
      const [type] = Object.keys(content);
      expect(response.headers.get('content-type')).toContain(type);
      if (type !== 'application/json') return;
      const place = [path, method, 'responses', response.status, 'content', type, 'schema'];
      const pointer = place.map((key) => encodeURIComponent(String(key).replaceAll('~', '~0').replaceAll('/', '~1')));
      const fits = ajv.getSchema(`api:/#/paths/${pointer.join('/')}`)!;
      expect([fits(await response.json()), fits.errors]).toEqual([true, null]);
    };
    const post = (body: unknown) => ({ method: 'POST', body: JSON.stringify(body) });
    for (const [path, methods] of Object.entries(PATHS)) if ('get' in methods) await check(path as keyof typeof PATHS);
    await check('/similar', {}, '?item=Film+7+C&top=3&only=1&only=2&per_category=1&min_popularity=2');
    await check('/similar', {}, '?item=film');
    const wishes = { only: ['1', { item: 2 }], exclude: [3], per_category: 2, min_popularity: 1, filter_seen: false };
    await check('/recommend', post({ user: 'ann', top: 3, ...wishes }));
    await check('/items', {}, '?q=film&limit=3');
    await check('/items', {}, '?limit=99');
    await check('/recommend', post({ history: [1, 'Film 7 C', 'nothing'], explain: true, why: true }));
    await check('/recommend', post({ history: [] }));
    await check('/recommend', post({ history: Array(40_000).fill(1) }));

    // Every key that is documented is read, and no other is taken.
    const refusal = async (path: string, init: RequestInit = {}) => {
      const { error } = (await (await fetch(new URL(path, address), init)).json()) as { error: string };
      return error;
    };
    for (const key of Object.keys(document.components.schemas.Question.properties))
      expect(await refusal('/recommend', post({ history: [1], [key]: {} }))).toMatch(
        new RegExp(`^(give history or )?${key}`),
      );
    expect(await refusal('/recommend', post({ history: [1], other: 1 }))).toMatch(/^unknown key "other"/);
    for (const { name } of PATHS['/similar'].get.parameters) {
      const asked = await fetch(new URL(`/similar?item=1&${name}=x&${name}=y`, address));
      expect(await asked.text()).toMatch(
        name === 'exclude' ? /"unknown":\[\{"text":"x"/ : new RegExp(`"${name} (is|has)`),
      );
    }
    expect(await refusal('/similar?item=1&other=1')).toMatch(/^unknown key "other"/);
  });
});
