import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { PATHS } from '../src/serve/openapi.js';
import { fakeService } from './support/service.js';

describe('the OpenAPI document', () => {
  it('is valid, lists what is there, and describes what comes', async () => {
    const { address, close } = await fakeService();
    onTestFinished(() => void close());
    const document = (await (await fetch(`${address}openapi.json`)).json()) as {
      info: object;
      components: { schemas: Record<string, object> };
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
    for (const path of Object.keys(PATHS) as (keyof typeof PATHS)[]) if (path !== '/recommend') await check(path);
    await check('/items', {}, '?q=film&limit=3');
    await check('/items', {}, '?limit=99');
    await check('/recommend', post({ history: [1, 'Film 7 C', 'nothing'], explain: true }));
    await check('/recommend', post({ history: [] }));
    await check('/recommend', post({ history: Array(40_000).fill(1) }));
  });
});
