import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Checkpoint,
  evaluate,
  type Gpu,
  InputError,
  importInteractions,
  NeuralRecommender,
  openGpu,
  serve,
  syntheticDataset,
  type TrainOptions,
  type TrainRequest,
  train,
} from '../src/index.js';
import { start } from './support/command.js';

const { dataset } = syntheticDataset({ items: 240, users: 200, valUsers: 40 });
const HISTORIES = Array.from({ length: 5 }, (_, user) => dataset.test.inputs.at(user));

/** Two models that share no size except the catalogue's. */
const TRAINING = { max_steps: 6, max_batches_per_epoch: 3, lr: 5e-3, init_std: 0.02, dropout_rate: 0.2 };
const SMALL: Partial<TrainOptions> = {
  ...TRAINING,
  sequence_length: 20,
  embedding_dim: 16,
  num_heads: 2,
  num_blocks: 1,
};
const LARGE: Partial<TrainOptions> = {
  ...TRAINING,
  sequence_length: 33,
  embedding_dim: 24,
  num_heads: 1,
  num_blocks: 2,
};
const NEGATIVES = { negs_per_pos: 8, train_batch_size: 32 };

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openGpu();
});
afterAll(() => gpu.close());

function trainOn(device: Gpu, options: Partial<TrainOptions>, hooks: Pick<TrainRequest, 'onStep' | 'onPrepared'> = {}) {
  return train({ gpu: device, dataset, options: { ...NEGATIVES, ...options }, ...hooks });
}

/** Every weight as its bits, so that the signs of zeros count too. */
function bits({ weights }: Checkpoint): string[] {
  return [...weights].map(([name, { data }]) => {
    return `${name} ${Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64')}`;
  });
}

describe('several at once on one device', () => {
  it('trains two models in turns to the same bits as each alone', async () => {
    const alone = [await trainOn(gpu, SMALL), await trainOn(gpu, LARGE)];
    const turns: string[] = [];
    let prepared = 0;
    let begin = () => {};
    const both = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const onPrepared = () => {
      if (++prepared === 2) begin();
      return both;
    };
    const together = await Promise.all([
      trainOn(gpu, SMALL, { onPrepared, onStep: () => turns.push('small') }),
      trainOn(gpu, LARGE, { onPrepared, onStep: () => turns.push('large') }),
    ]);
    // They did take turns: neither had ended when the other one began.
    expect(turns.indexOf('large')).toBeLessThan(turns.lastIndexOf('small'));
    expect(turns.indexOf('small')).toBeLessThan(turns.lastIndexOf('large'));
    expect(together.map(({ best }) => bits(best!))).toEqual(alone.map(({ best }) => bits(best!)));
  });

  it('recommends, explains and evaluates with one model while another is trained', async () => {
    const { best } = await trainOn(gpu, SMALL);
    const alone = bits((await trainOn(gpu, LARGE)).best!);
    const model = NeuralRecommender.on(gpu, best!);
    const answer = () =>
      Promise.all([model.top(HISTORIES), model.explain!(HISTORIES), evaluate(model, dataset, 'val')]);
    const expected = await answer();
    const during: ReturnType<typeof answer>[] = [];
    const { best: trained } = await trainOn(gpu, LARGE, { onStep: () => during.push(answer()) });
    expect(during.length).toBeGreaterThan(3);
    for (const given of await Promise.all(during)) expect(given).toEqual(expected);
    expect(bits(trained!)).toEqual(alone);
    model.release();
  });

  it('opens a second device that works alike, and goes on when it is closed', async () => {
    const other = await openGpu();
    const [first, second] = await Promise.all([trainOn(gpu, SMALL), trainOn(other, SMALL)]);
    expect(bits(second.best!)).toEqual(bits(first.best!));
    other.close();
    const model = NeuralRecommender.on(gpu, first.best!);
    expect(await model.top(HISTORIES)).toHaveLength(HISTORIES.length);
    model.release();
  });
});

describe('with a model', () => {
  let model: NeuralRecommender;
  let checkpoint: Checkpoint;
  beforeAll(async () => {
    checkpoint = (await trainOn(gpu, SMALL)).best!;
    model = NeuralRecommender.on(gpu, checkpoint);
  });
  afterAll(() => model.release());

  it('recommends ten unseen items where nothing else is said', async () => {
    const lists = await model.top(HISTORIES);
    expect(lists).toEqual(await model.top(HISTORIES, { top: 10, filterRated: true }));
    expect(lists.map((list) => list.length)).toEqual(HISTORIES.map(() => 10));
    lists.forEach((list, user) => {
      expect(list.filter(({ item }) => HISTORIES[user].includes(item))).toEqual([]);
    });
  });

  it('evaluates without options as with those that are documented', async () => {
    const spelt = { metrics: ['ndcg', 'recall', 'mrr'], cutoffs: [1, 10], filterRated: true, buckets: 4 } as const;
    const { estimates } = await evaluate(model, dataset, 'test');
    const other = new NeuralRecommender(model.model, { eval_batch_size: 7 });
    expect(estimates).toEqual((await evaluate(other, dataset, 'test', spelt)).estimates);
    expect(Object.keys(estimates)).toContain('ndcg@10');
  });

  it('refuses data of another catalogue, and an empty history', async () => {
    const other = { ...dataset, name: 'other', numItems: 241 };
    await expect(evaluate(model, other, 'test')).rejects.toThrow(
      new InputError('gSASRec knows 240 items, but other has 241; evaluate it on its own data'),
    );
    await expect(model.explain!([[1], []])).rejects.toThrow('history 2 is empty; give at least one item');
  });
});

describe('what is aborted', () => {
  const reason = new Error('enough');
  const signal = AbortSignal.abort(reason);
  let checkpoint: Checkpoint;
  let model: NeuralRecommender;
  beforeAll(async () => {
    checkpoint = (await trainOn(gpu, SMALL)).best!;
    model = NeuralRecommender.on(gpu, checkpoint);
  });
  afterAll(() => model.release());

  it('training returns', async () => {
    const { stopped, steps } = await train({ gpu, dataset, options: { ...NEGATIVES, ...SMALL }, signal });
    expect({ stopped, steps }).toEqual({ stopped: 'aborted', steps: 0 });
  });

  it('evaluating and recommending throw the reason', async () => {
    await expect(evaluate(model, dataset, 'test', { signal })).rejects.toBe(reason);
    await expect(model.top(HISTORIES, { signal })).rejects.toBe(reason);
    await expect(model.batches(HISTORIES, { signal }).next()).rejects.toBe(reason);
  });

  it('a batch under way is the last one', async () => {
    const stop = new AbortController();
    const done: number[] = [];
    const onProgress = (users: number) => {
      done.push(users);
      stop.abort(reason);
    };
    const small = new NeuralRecommender(model.model, { eval_batch_size: 20 });
    const evaluating = evaluate(small, dataset, 'test', { signal: stop.signal, onProgress });
    await expect(evaluating).rejects.toBe(reason);
    expect(done[0]).toBe(20);
    expect(done.at(-1)).toBeLessThan(dataset.test.targets.length);
  });

  it('importing throws the reason and leaves nothing', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gsas-library-'));
    try {
      const [log, out] = [join(folder, 'log.csv'), join(folder, 'data')];
      writeFileSync(log, 'user,item,time\n1,a,1\n1,b,2\n1,c,3\n');
      await expect(importInteractions({ files: [log], out, signal })).rejects.toBe(reason);
      expect(existsSync(out)).toBe(false);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('a service ends', async () => {
    const stop = new AbortController();
    const names = { titles: new Map(), originals: new Map() };
    let address = '';
    const onOpen = (at: string) => {
      address = at;
      stop.abort();
    };
    await serve({ recommender: model, names }, { port: 0, signal: stop.signal, onOpen });
    expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
    await expect(fetch(address)).rejects.toThrow();
  });
});

it("type-checks the guide's programs under strict, against what is built", async () => {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const folder = mkdtempSync(join(tmpdir(), 'gsas-library-'));
  try {
    const programs = [...readFileSync(join(root, 'docs/library.md'), 'utf8').matchAll(/```ts\n([\s\S]*?)```/g)];
    const given = 'declare const histories: number[][]; declare function send(lists: object): void;';
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(root, join(folder, 'node_modules/gsas-wgpu'));
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    // Those for Node are one program in parts.
    const texts = programs.map(([, program]) => program);
    const portable = texts.filter((text) => text.includes("'gsas-wgpu/browser'"));
    writeFileSync(join(folder, 'browser.ts'), portable.join('\n'));
    writeFileSync(join(folder, 'guide.ts'), [...texts.filter((text) => !portable.includes(text)), given].join('\n'));
    const options = ['--noEmit', '--strict', '--target', 'es2022', '--module', 'nodenext', '--types', 'node'];
    const types = ['--typeRoots', join(root, 'node_modules/@types')];
    const compiler = join(root, 'node_modules/typescript/bin/tsc');
    const { status, stdout } = await start(
      process.execPath,
      [compiler, ...options, ...types, 'guide.ts', 'browser.ts'],
      folder,
    ).ended;
    expect({ programs: texts.length, status, stdout }).toEqual({ programs: 3, status: 0, stdout: '' });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
