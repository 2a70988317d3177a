import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ndcgAt } from '../src/data/metrics.js';
import { popularity } from '../src/infer/baselines.js';
import { cardOf } from '../src/serve/card.js';
import { serve } from '../src/serve/serve.js';
import { exampleUsers } from '../src/store/examples.js';
import { writeDataset } from '../src/store/layout.js';
import { ANALYSIS, fakeRun } from './support/run.js';
import { scratchFolder } from './support/scratch.js';
import { fakeService } from './support/service.js';
import { dataset } from './support/small.js';

const at = scratchFolder();
const DATA = { name: 'films', users: 200, items: 100, interactions: 3000, meanLength: 15 };

describe('the card of a run', () => {
  it('has the test metrics of the report and those of baselines, if the report is of these weights', () => {
    const run = fakeRun(at('analysed'), { analysis: ANALYSIS });
    const [own, ...others] = ANALYSIS.rankings.map(({ name, ranks }) => {
      const found = ranks.map((rank) => rank || Infinity);
      return { name, value: ndcgAt(10, found) };
    });
    const card = cardOf(run, 20);
    expect(card).toMatchObject({ run: 'analysed', data: DATA, quality: { split: 'test' } });
    expect(card!.quality!.metrics[0]).toEqual({ name: 'NDCG@10', value: own.value, compared: others });
    expect(others.length).toBeGreaterThan(0);
  });

  it('has those of the validation after its step, and none for a step that was not measured', () => {
    const run = fakeRun(at('validated'), { analysis: ANALYSIS });
    expect(cardOf(run, 30)).toEqual({
      ...{ run: 'validated', data: DATA },
      quality: {
        split: 'validation',
        metrics: [
          { name: 'NDCG@10', value: 0.2, compared: [] },
          { name: 'Recall@10', value: 0.4, compared: [] },
        ],
      },
    });
    expect(cardOf(run, 25)).toEqual({ run: 'validated', data: DATA });
  });

  it('is missing where there is no run, or its notes are damaged', () => {
    const run = fakeRun(at('damaged'));
    writeFileSync(join(run, 'metrics.jsonl'), 'x\n');
    expect(cardOf(run, 10)).toBeUndefined();
    mkdirSync(at('nothing'));
    expect(cardOf(at('nothing'), 10)).toBeUndefined();
  });
});

describe('the example users', () => {
  const nameless = { titles: new Map(), originals: new Map() };
  const { numItems, test } = dataset;

  it('are some of the test split, with what they went on to', () => {
    const folder = at('data');
    writeDataset(folder, dataset);
    const users = exampleUsers(folder, { numItems, names: nameless });
    expect(users).toHaveLength(6);
    expect(new Set(users.map(({ user }) => user)).size).toBe(6);
    for (const { user, history, next } of users) {
      expect(history).toEqual([...test.inputs.at(Number(user) - 1)]);
      expect(next).toBe(test.targets[Number(user) - 1]);
    }
    for (const { user, history, next } of exampleUsers(folder, { numItems, names: nameless, everything: true })) {
      expect(history).toEqual([...test.inputs.at(Number(user) - 1), test.targets[Number(user) - 1]]);
      expect(next).toBeUndefined();
    }
    expect(exampleUsers(folder, { numItems: numItems + 1, names: nameless })).toEqual([]);
  });

  it('have the ids of the log, and items by their ids where the model numbers them otherwise', () => {
    const folder = at('log');
    writeDataset(folder, dataset);
    const items = Array.from({ length: numItems }, (_, i) => `${i + 1},S-${i + 1},Title ${i + 1}`);
    writeFileSync(join(folder, 'items.csv'), `id,original_id,title\n${items.join('\n')}\n`);
    const lines = Array.from({ length: test.targets.length }, (_, i) => i + 1);
    writeFileSync(join(folder, 'users.csv'), `id,original_id\n${lines.map((i) => `${i},user ${i}`).join('\n')}\n`);
    writeFileSync(join(folder, 'test/users.txt'), lines.join('\n'));
    const backwards = new Map(Array.from({ length: numItems }, (_, i) => [numItems - i, `S-${i + 1}`]));
    for (const { user, history } of exampleUsers(folder, { numItems, names: { ...nameless, originals: backwards } })) {
      const line = Number(/^user (\d+)$/.exec(user)![1]) - 1;
      expect(history).toEqual(Array.from(test.inputs.at(line), (item) => numItems + 1 - item));
    }
  });

  it('come over HTTP with the names of their items; there are none where the data has moved', async () => {
    const ask = async (options: object) => {
      const { address, close } = await fakeService(options);
      onTestFinished(() => void close());
      return (await fetch(`${address}examples`)).json();
    };
    const examples = () => [
      { user: 'a', history: [2, 1], next: 3 },
      { user: 'b', history: [4] },
    ];
    expect(await ask({ examples })).toEqual([
      {
        user: 'a',
        history: [
          { item: 2, title: 'Film 2 B' },
          { item: 1, title: 'Film 1 A' },
        ],
        next: { item: 3, title: 'Film 3 C' },
      },
      { user: 'b', history: [{ item: 4, title: 'Film 4 D' }] },
    ]);
    const moved = () => exampleUsers(at('moved'), { numItems: 40, names: nameless });
    expect(moved).toThrow(/moved/);
    expect(await ask({ examples: moved })).toEqual([]);
    expect(await ask({})).toEqual([]);
  });

  it('are listed for this machine only', async () => {
    const examples = () => [{ user: 'a', history: [2, 1], next: 3 }];
    const listed = async (host: string) => {
      const stop = new AbortController();
      let ended!: Promise<void>;
      const address = await new Promise<string>((onOpen, reject) => {
        const model = { recommender: popularity(dataset), names: nameless, examples };
        ended = serve(model, { host, port: 0, signal: stop.signal, onOpen });
        ended.catch(reject);
      });
      const answer = await (await fetch(`http://127.0.0.1:${new URL(address).port}/examples`)).json();
      stop.abort();
      await ended;
      return answer;
    };
    expect(await listed('127.0.0.1')).toHaveLength(1);
    expect(await listed('0.0.0.0')).toEqual([]);
  });
});
