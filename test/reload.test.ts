import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ScoringRecommender } from '../src/infer/scoring.js';
import { serve } from '../src/serve/serve.js';
import type { RecommendReply } from '../src/serve/service.js';
import { writeDataset } from '../src/store/layout.js';
import { gsas, MAIN, type Running, start, startGsas } from './support/command.js';
import { expectMistake } from './support/output.js';
import { scratchFolder } from './support/scratch.js';
import { dataset, MODEL } from './support/small.js';
import { skipUntested } from './support/untested.js';
import { writeUntrainedRun } from './support/untrained-run.js';

const CLIENTS = 64;
const at = scratchFolder();

const stepOf = async (address: string) => ((await (await fetch(`${address}health`)).json()) as { step: number }).step;

/** Puts another checkpoint in the place of the run's, as training does. */
function train(step: number): void {
  writeUntrainedRun(at('run'), { options: MODEL, data: at('data'), seed: step, step });
}

/** Clients who ask again and again until `stop` is called, which returns every answer that was not a good one, and how many were. */
function load(address: string) {
  const { hostname, port } = new URL(address);
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
  const bad: string[] = [];
  let good = 0;
  let asking = true;
  const client = async (seed: number) => {
    while (asking) {
      try {
        const history = [1 + (seed % dataset.numItems), 2 + (good % 200)];
        const asked = request({ hostname, port, agent, path: '/recommend', method: 'POST' });
        asked.end(JSON.stringify({ history, top: 5 }));
        const [response] = await once(asked, 'response');
        let text = '';
        for await (const chunk of response.setEncoding('utf8')) text += chunk;
        const ids = (JSON.parse(text) as RecommendReply).items?.map(({ item }) => item);
        if (response.statusCode === 200 && ids.length === 5) good++;
        else bad.push(`${response.statusCode}: ${text}`);
      } catch (error) {
        bad.push((error as Error).message);
      }
    }
  };
  const clients = Array.from({ length: CLIENTS }, (_, i) => client(i));
  return {
    good: () => good,
    stop: async () => {
      asking = false;
      await Promise.all(clients);
      agent.destroy();
      return { bad, good };
    },
  };
}

describe('a service whose model is replaced', () => {
  let service: Running;
  let address: string;
  beforeAll(async () => {
    writeDataset(at('data'), dataset);
    train(1);
    service = startGsas(at(), 'serve', 'run', '--port', '0', '--watch');
    [address] = await service.printed(/http:\/\/\S+/);
  });
  afterAll(async () => {
    service.signal('SIGKILL');
    await service.ended;
  });

  it(`drops no request of ${CLIENTS} clients, whether it watches or is told, and keeps the old one where the new is damaged`, async () => {
    const clients = load(address);
    const some = async () => {
      const before = clients.good();
      while (clients.good() < before + CLIENTS) await sleep(20);
    };
    await some();
    expect(await stepOf(address)).toBe(1);
    for (const step of [2, 3]) {
      train(step);
      await service.printed(new RegExp(`^run, step ${step}, is served from now on$`, 'm'));
      expect(await stepOf(address)).toBe(step);
      await some();
    }

    truncateSync(at('run/best.safetensors'), 1000);
    await service.warned(/ not served, and what was served before still is: .*best\.safetensors: is cut off/);
    expect(await stepOf(address)).toBe(3);
    rmSync(at('run/best.safetensors'));
    if (process.platform !== 'win32') {
      service.signal('SIGHUP');
      await service.warned(/ not served, and .*: run: holds no best\.safetensors/);
    }
    await some();
    expect(await stepOf(address)).toBe(3);

    train(4);
    await service.printed(/^run, step 4, is served from now on$/m);
    if (process.platform !== 'win32') {
      service.signal('SIGHUP');
      await service.printed(/(step 4, is served from now on\n[\s\S]*){2}/);
    }
    await some();
    const { bad, good } = await clients.stop();
    expect(bad).toEqual([]);
    expect(good).toBeGreaterThan(6 * CLIENTS);
    service.signal('SIGTERM');
    expect(await service.ended).toMatchObject({ status: 0 });
  });
});

it('ends when its terminal is closed, though SIGHUP alone makes it look for a new model', async (context) => {
  // Into a file: writing to a terminal that is gone would end it, too.
  const command = `'${process.execPath}' '${MAIN}' serve run --port 0 > said.txt`;
  const terminal = start('script', ['-qec', command, '/dev/null'], at());
  const ended = terminal.ended.catch(() => 'there is no such program');
  const said = () =>
    existsSync(at('said.txt')) ? /http:\/\/[\d.:]+\//.exec(readFileSync(at('said.txt'), 'utf8')) : null;
  const sayingSo = expect
    .poll(said, { timeout: 30_000 })
    .not.toBe(null)
    .then(() => undefined);
  const early = await Promise.race([ended, sayingSo]);
  if (early !== undefined) skipUntested(context, 'there is no `script` of util-linux to make a terminal');
  const [address] = said()!;
  expect(await stepOf(address)).toBeGreaterThan(0);
  terminal.signal('SIGKILL');
  await expect.poll(() => stepOf(address).catch(() => 'gone'), { timeout: 10_000 }).toBe('gone');
});

it('looks for new checkpoints of runs only', async () => {
  expectMistake(await gsas(at(), 'serve', '--model', 'popularity', '--watch'), /--watch looks for new checkpoints/);
});

const named = (name: string) =>
  Object.assign(
    new ScoringRecommender({
      ...{ name, numItems: 5, window: 5, meaning: 'places' },
      scores: () => new Float64Array(6),
    }),
    { released: false },
  );

describe('replacements in a program', () => {
  it('are released in their turn, and a model that cannot answer is not served', async () => {
    const names = { titles: new Map<number, string>(), originals: new Map<number, string>() };
    const models = ['first', 'broken', 'second'].map(named);
    for (const model of models)
      model.release = () => {
        model.released = true;
      };
    models[1].top = () => Promise.reject(new Error('out of memory'));
    const end = new AbortController();
    onTestFinished(() => end.abort());
    const said: string[] = [];
    let served: Promise<void> | undefined;
    let next = () => {};
    const open = new Promise<void>((resolve) => {
      next = resolve;
    });
    const address = await new Promise<string>((onOpen, reject) => {
      served = serve(
        { recommender: models[0], names },
        {
          ...{ port: 0, signal: end.signal, onOpen, log: (line: string) => said.push(line) },
          onReplaced: ({ recommender }) => said.push(recommender.name),
          replacements: (async function* () {
            await open;
            for (const recommender of models.slice(1)) yield { recommender, names };
          })(),
        },
      );
      served.catch(reject);
    });
    const model = async () => ((await (await fetch(`${address}health`)).json()) as { model: string }).model;
    expect(await model()).toBe('first');
    next();
    await expect.poll(model).toBe('second');
    await expect.poll(() => models.map(({ released }) => released)).toEqual([true, true, false]);
    expect(said).toEqual(['the new model cannot answer, and the one before stays: out of memory', 'second']);
    end.abort();
    await served;
  });
});
