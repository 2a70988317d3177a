import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { popularityScores } from '../src/data/baselines.js';
import { describeDataset } from '../src/data/dataset.js';
import { writeDataset } from '../src/data/layout.js';
import { rankTargets } from '../src/data/rank.js';
import { syntheticDataset } from '../src/data/synthetic.js';
import { registry } from '../src/kernels/index.js';
import { loadCheckpoint, loadResumable } from '../src/train/checkpoint.js';
import { type JournalRecord, readJournal } from '../src/train/journal.js';
import { metricsOf } from '../src/train/ranking.js';
import { readSafetensors, writeSafetensors } from '../src/train/safetensors.js';
import { gsas, startGsas } from './support/command.js';

const { dataset } = syntheticDataset({ items: 240, users: 200, valUsers: 40 });
const FIXTURE = fileURLToPath(new URL('./fixtures/one_block_unpadded.safetensors', import.meta.url));

/** The constants of test/training.test.ts, so that a driver's shader cache serves both. */
const SMALL = [
  ...['--sequence-length', '20', '--embedding-dim', '16', '--num-heads', '2', '--num-blocks', '1'],
  ...['--negs-per-pos', '8', '--train-batch-size', '32', '--max-batches-per-epoch', '4', '--dropout-rate', '0.1'],
  ...['--lr', '5e-3', '--init-std', '0.02', '--seed', '5'],
];

let folder: string;
const at = (...path: string[]) => join(folder, ...path);
const run = (...args: string[]) => gsas(folder, ...args);
const rows = (stdout: string) =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
const columns = (stdout: string) =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.trim().split(/ {2,}/));

let trained: Awaited<ReturnType<typeof gsas>>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gsas-cli-'));
  writeDataset(at('data'), dataset);
  trained = await run('train', '--data', 'data', '--out', 'runs/first', ...SMALL, '--max-epochs', '2');
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('train', () => {
  it('says what it does in lines that stay, when the output is no terminal', () => {
    const { status, stdout, stderr } = trained;
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    for (const control of ['\r', '\x1b']) expect(stdout).not.toContain(control);
    const [data, adapter, first, second, stopped] = stdout.split('\n');
    expect(data).toBe(describeDataset({ ...dataset, name: 'data' }));
    expect(data).toMatch(/^data: 200 users, 240 items, 7,\d{3} interactions, 3\d\.\d a user$/);
    expect(adapter).toMatch(/^adapter: \S+ \(.+\)$/);
    expect(first).toMatch(/^epoch 1 {2}step 4 {2}loss 0\.\d{4} {2}ndcg@10 0\.\d{4} /);
    expect(second).toMatch(/^epoch 2 {2}step 8 /);
    expect(stopped).toMatch(/^stopped after 8 steps, .*: max_epochs reached$/);
    expect(stdout).toContain('npx gsas-wgpu evaluate runs/first --split test --baselines');
  });

  it('leaves checkpoints, metrics and nothing else in the folder of the run', () => {
    expect(readdirSync(at('runs/first')).sort()).toEqual([
      'analysis.json',
      'best.safetensors',
      'config.json',
      'environment.json',
      expect.stringMatching(/^events\.out\.tfevents\./),
      'last.optimizer-8.safetensors',
      'last.safetensors',
      'metrics.jsonl',
      'report.html',
      'run.json',
      'steps.jsonl',
    ]);
    const records = readJournal(at('runs/first/metrics.jsonl'));
    expect(records.map(({ epoch, step }) => [epoch, step])).toEqual([
      [1, 4],
      [2, 8],
    ]);
    for (const key of ['loss', 'ndcg@10', 'recall@1', 'recall@10', 'positions_per_second']) {
      expect(records[0]).toHaveProperty([key], expect.any(Number));
    }
    const { config, step } = loadCheckpoint(at('runs/first'), 'last');
    expect(config).toMatchObject({ num_items: 240, embedding_dim: 16, negs_per_pos: 8, lr: 5e-3, seed: 5 });
    expect(step).toBe(8);
  });

  it('names a run that was given no folder after its data, and never takes one that is there', async () => {
    const runs = readdirSync(at('runs'));
    for (const [name, reuse] of [
      ['runs/data', true],
      ['runs/data-2', false],
    ] as const) {
      // A boolean's flag alone says yes.
      const flag = reuse ? ['--reuse-item-embeddings'] : ['--reuse-item-embeddings', 'false'];
      const { status, stdout } = await run(
        'train',
        '--data',
        'data',
        ...SMALL,
        ...flag,
        '--max-steps',
        '1',
        '--no-report',
      );
      expect(status).toBe(0);
      expect(stdout).toContain(`best validation at step 1: ${name}/best.safetensors`);
      expect(loadCheckpoint(at(name)).config.reuse_item_embeddings).toBe(reuse);
    }
    expect(readdirSync(at('runs')).sort()).toEqual([...runs, 'data', 'data-2'].sort());
  });

  it('saves on a signal, and resumes to the same bits as a run that was never stopped', async () => {
    const args = ['train', '--data', 'data', ...SMALL, '--max-epochs', '40', '--no-report'];
    const whole = run(...args, '--out', 'runs/whole');
    const first = startGsas(folder, ...args, '--out', 'runs/parts');
    await first.printed(/^epoch 1 /m);
    first.signal('SIGINT');
    first.signal('SIGINT'); // as npx repeats it
    const { status, stdout, stderr } = await first.ended;
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const [, steps] = /^stopped after (\d+) steps, .*: interrupted$/m.exec(stdout)!;
    expect(Number(steps)).toBeLessThan(160);
    expect(loadResumable(at('runs/parts')).step).toBe(Number(steps));
    expect(stdout).toContain('npx gsas-wgpu train --resume --out runs/parts');

    const second = startGsas(folder, 'train', '--resume', '--out', 'runs/parts', '--no-report');
    await second.printed(/^adapter: /m);
    second.signal('SIGTERM');
    expect(await second.ended).toMatchObject({ status: 0, stdout: expect.stringContaining(': interrupted\n') });

    const third = await run('train', '--resume', '--out', 'runs/parts', '--no-report');
    expect(third).toMatchObject({ status: 0, stdout: expect.stringContaining('stopped after 160 steps') });
    expect(await whole).toMatchObject({ status: 0 });
    for (const file of ['best.safetensors', 'last.safetensors']) {
      expect(readFileSync(at('runs/parts', file)).equals(readFileSync(at('runs/whole', file)))).toBe(true);
    }
    const [parts, uninterrupted] = ['parts', 'whole'].map((name) => loadResumable(at('runs', name)));
    expect(parts!.m).toEqual(uninterrupted!.m);
    expect(parts!.v).toEqual(uninterrupted!.v);
    const journal = (name: string) =>
      readJournal(at('runs', name, 'metrics.jsonl')).map(({ seconds, positions_per_second, ...rest }) => rest);
    expect(journal('parts')).toEqual(journal('whole'));
  });

  it('estimates a run without writing it, and counts the steps that the first of the limits allows', async () => {
    const dry = await run(
      'train',
      '--data',
      'data',
      '--out',
      'runs/dry',
      '--max-minutes',
      '0.2',
      '--dry-run',
      ...SMALL,
    );
    expect({ status: dry.status, stderr: dry.stderr }).toEqual({ status: 0, stderr: '' });
    const [, step] = /^# a step +([\d,]+) ms, here and now$/m.exec(dry.stdout)!;
    const [, steps] = /^# at most +([\d,]+) steps, 12s; early stopping may end it sooner$/m.exec(dry.stdout)!;
    // The milliseconds are rounded to whole ones.
    expect(Math.abs(12_000 / Number(steps!.replaceAll(',', '')) - Number(step))).toBeLessThanOrEqual(1);
    expect(existsSync(at('runs/dry'))).toBe(false);
  });

  it('exits 1 when training fails', async () => {
    const args = ['--data', 'data', '--out', 'runs/diverged', ...SMALL, '--lr', '1e30', '--max-epochs', '9'];
    const { status, stderr } = await run('train', ...args);
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringMatching(/^error: the loss is .*\n$/) });
    expect(stderr).toContain('try a smaller lr than 1e+30');
  });
});

describe('evaluate', () => {
  it('ranks the test split beside the baselines, as JSON', async () => {
    const { status, stdout, stderr } = await run('evaluate', 'runs/first', '--split', 'test', '--baselines', '--json');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const [model, popularity, markov] = rows(stdout);
    expect(model).toMatchObject({ run: 'runs/first', split: 'test', name: 'gSASRec' });
    expect(model.mrr).toBeGreaterThan(0);
    expect(model.mrr).toBeLessThan(1);
    expect(popularity).toMatchObject({
      name: 'popularity',
      ...metricsOf(rankTargets(dataset.test, popularityScores(dataset))),
    });
    expect(markov.name).toBe('first-order Markov counts');
  });

  it('ranks the validation split as training did', async () => {
    const { stdout } = await run('evaluate', 'runs/first', '--split', 'val', '--json');
    const [measured] = rows(stdout);
    expect(measured).toMatchObject({ name: 'gSASRec', split: 'val', users: 40 });
    const best = bestOf(readJournal(at('runs/first/metrics.jsonl')));
    for (const key of ['step', 'ndcg@10', 'recall@1', 'recall@10', 'mrr']) expect(measured[key]).toBe(best[key]);
  });

  it('prints a table of a checkpoint file on named data', async () => {
    const { status, stdout } = await run('evaluate', 'runs/first/last.safetensors', '--data', 'data');
    expect(status).toBe(0);
    const [, what, , header, ...metrics] = stdout.split('\n');
    expect(what).toBe('test split, 200 users, step 8, seen items left out');
    expect(header!.trim()).toBe('gSASRec');
    expect(metrics[1]).toMatch(/^ndcg@10 +\d\.\d{4} \[\d\.\d{4}, \d\.\d{4}\]$/);
  });
});

describe('recommend', () => {
  it('prints rank, item and score, best first, without the items of the history', async () => {
    const { status, stdout, stderr } = await run('recommend', 'runs/first', '--history', '1 2 3', '--top', '237');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const [header, ...found] = columns(stdout).slice(2, 240);
    expect(header).toEqual(['rank', 'item', 'score', 'title']);
    expect(found.map(([rank]) => Number(rank))).toEqual(Array.from({ length: 237 }, (_, i) => i + 1));
    const items = found.map(([, item]) => Number(item));
    expect(items.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 237 }, (_, i) => i + 4));
    const scores = found.map(([, , score]) => Number(score));
    expect(scores).toEqual(scores.toSorted((a, b) => b - a));
  });

  it('keeps the items of the history on demand, and then gives the whole catalogue at most', async () => {
    const args = ['--history', '1,2, 3', '--no-filter-seen', '--top', '512', '--json'];
    const items = rows((await run('recommend', 'runs/first', ...args)).stdout).map(({ item }) => item);
    expect(items).toHaveLength(240);
    expect(new Set(items).size).toBe(240);
    expect(items).toEqual(expect.arrayContaining([1, 2, 3]));
  });

  it('prints the titles of the data, or those of another file', async () => {
    writeFileSync(
      at('titles.csv'),
      `id,title\n${Array.from({ length: 240 }, (_, i) => `${i + 1},No ${i + 1}`).join('\n')}`,
    );
    const args = ['recommend', 'runs/first', '--history', '1 2 3', '--top', '3'];
    const objects = rows((await run(...args, '--json')).stdout);
    expect(objects.map(({ rank }) => rank)).toEqual([1, 2, 3]);
    for (const { item, title } of objects) expect(title).toBe(dataset.titles!.get(item));
    const lines = columns((await run(...args, '--titles', 'titles.csv')).stdout).slice(3, 6);
    expect(lines.map(([, item, , title]) => [Number(item), title])).toEqual(
      objects.map(({ item }) => [item, `No ${item}`]),
    );
  });
});

describe('kernels', () => {
  it('lists the registry', async () => {
    const { stdout } = await run('kernels');
    const names = stdout.split('\n').filter((line) => /^\S/.test(line));
    expect(names).toEqual(registry.map(({ name }) => name));
    expect(rows((await run('kernels', '--json')).stdout).map(({ name, cases }) => [name, cases.length])).toEqual(
      registry.map(({ name, cases }) => [name, cases.length]),
    );
  });
});

describe('parity', () => {
  it('exits 1 and says which comparison failed', async () => {
    const { tensors, metadata } = readSafetensors(FIXTURE);
    const loss = tensors.get('out/loss')!;
    (loss.data as Float32Array)[0]! *= 1.001;
    writeSafetensors(at('altered.safetensors'), tensors, metadata);
    const { status, stdout, stderr } = await run('parity', 'altered.safetensors');
    expect(status).toBe(1);
    expect(stderr).toMatch(/^error: altered\.safetensors: 1 of \d+ comparisons are beyond their limit\n$/);
    const lines = columns(stdout).map(([verdict, name]) => [verdict, name]);
    expect(lines.filter(([verdict]) => verdict !== 'ok')).toEqual([['FAIL', 'loss']]);
    expect(lines.length).toBeGreaterThan(50);
  });
});

describe('bad input is one line that says what is wrong, exit code 2, and nothing is written', () => {
  /** A copy of the dataset with one file changed. */
  const spoil = (name: string, file: string, change: (lines: string[]) => void) => {
    cpSync(at('data'), at(name), { recursive: true });
    const lines = readFileSync(at(name, file), 'utf8').split('\n');
    change(lines);
    writeFileSync(at(name, file), lines.join('\n'));
  };

  beforeAll(() => {
    spoil('letters', 'train/input.txt', (lines) => lines.splice(6, 1, '12 x7 9'));
    spoil('range', 'val/input.txt', (lines) => lines.splice(2, 1, '5 241'));
    spoil('short', 'test/output.txt', (lines) => lines.splice(-2, 1));
    spoil('larger', 'dataset_stats.json', (lines) => lines.splice(0, lines.length, '{"num_items": 250}'));
    const best = at('runs/first/best.safetensors');
    writeFileSync(at('torn.safetensors'), readFileSync(best).subarray(0, -100));
    const { tensors, metadata } = readSafetensors(best);
    const config = JSON.stringify({ ...JSON.parse(metadata.config!), embedding_dim: 32 });
    writeSafetensors(at('shape.safetensors'), tensors, { ...metadata, config });
    copyFileSync(best, at('lone.safetensors'));
    copyFileSync(FIXTURE, at('fixture.safetensors'));
  });

  const train = (...args: string[]) => ['train', '--data', 'data', '--out', 'never', ...args];
  const recommend = (history: string) => ['recommend', 'runs/first', '--history', history];
  const dataOf = (name: string) => ['train', '--data', name, '--out', 'never'];

  it.each<[string, string[], ...(string | RegExp)[]]>([
    ['a missing folder', dataOf('absent'), /there is no folder .*absent/],
    ['a file as folder', dataOf('data/train/input.txt'), 'data/train/input.txt is not a folder'],
    ['an unset variable as folder', dataOf(''), "'--data <folder>'", 'It is empty'],
    ['a malformed line', dataOf('letters'), 'letters/train/input.txt, line 7: "x7"'],
    ['an item out of range', dataOf('range'), 'range/val/input.txt, line 3: "241"', '(240)'],
    ['a target missing', dataOf('short'), 'short/test/output.txt has 199'],
    ['an unknown option', train('--embeding-dim', '8'), "unknown option '--embeding-dim'", '--embedding-dim?'],
    ['an unknown preset', train('--preset', 'qick'), "'qick' is invalid", 'gsasrec-ml1m, sasrec-ml1m, quick'],
    ['a value of another kind', train('--embedding-dim', 'many'), '--embedding-dim is "many"', 'an integer'],
    ['a value out of range', train('--dropout-rate', '1'), '--dropout-rate is 1;', 'at least 0 and below 1'],
    ['values that do not fit', train('--embedding-dim', '15', '--num-heads', '2'), 'is 15', 'num_heads, which is 2'],
    ['options that exclude each other', train('--init-prior', '--reuse-item-embeddings'), 'set one of them to false'],
    ['--resume without --out', ['train', '--data', 'data', '--resume'], '--resume needs --out'],
    ['--resume of no run', ['train', '--resume', '--out', 'never'], 'there is no run never'],
    ['--resume of a folder that holds none', train('--resume'), 'never: nothing to resume'],
    ['--resume with other options', ['train', '--resume', '--out', 'runs/first', '--lr', '1'], 'lr is 0.005', 'but 1'],
    ['--resume on other data', ['train', '--resume', '--out', 'runs/first', '--data', 'larger'], '240', '250'],
    [
      '--out that holds a run',
      ['train', '--data', 'data', '--out', 'runs/first'],
      'runs/first: a run is there already',
    ],
    ['an unknown adapter', train(...SMALL, '--adapter', 'abacus'), 'no adapter is called "abacus"'],
    ['a folder without a run', ['evaluate', 'data'], 'data: holds no best.safetensors'],
    ['no safetensors file', ['evaluate', 'data/items.csv'], 'data/items.csv: is cut off or no safetensors file'],
    ['a truncated checkpoint', ['evaluate', 'torn.safetensors', '--data', 'data'], 'torn.safetensors: is cut off'],
    [
      'a checkpoint of another shape',
      ['recommend', 'shape.safetensors', '--history', '1'],
      /tensor \S+ is F32 \[242,16\].* \[242,32\]/,
    ],
    ['safetensors that are no checkpoint', ['evaluate', 'fixture.safetensors'], 'fixture.safetensors: its metadata'],
    ['a checkpoint whose data is unknown', ['evaluate', 'lone.safetensors'], 'run.json: is missing', '--data DIR'],
    ['data of another catalogue', ['evaluate', 'runs/first', '--data', 'larger'], '240 items', 'larger has 250'],
    ['an unknown split', ['evaluate', 'runs/first', '--split', 'train'], 'val, test'],
    ['more items than top-k holds', [...recommend('1'), '--top', '513'], 'top is 513', '1 to 512'],
    ['an empty history', recommend(' '), '--history is empty'],
    ['no history', ['recommend', 'runs/first'], '--history <items...>', '--split <name>'],
    ['no item asked for', [...recommend('1'), '--top', '0'], 'at least 1'],
    ['titles that are no CSV', [...recommend('1'), '--titles', 'data/train/input.txt'], 'data/train/input.txt, line 1'],
    ['no parity fixture', ['parity', 'runs/first/best.safetensors'], 'no parity fixture'],
    ['a fixture that is no safetensors file', ['parity', 'data/items.csv'], 'data/items.csv: is cut off or no'],
  ])('%s', async (_, args, ...expected) => {
    const { status, stdout, stderr } = await run(...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^error: .*\n$/);
    for (const part of expected) expect(stderr).toMatch(part);
    expect(existsSync(at('never'))).toBe(false);
  });
});

/** The record of the best checkpoint: the first of those with the largest NDCG@10. */
function bestOf(records: JournalRecord[]): JournalRecord {
  return records.reduce((best, record) => (Number(record['ndcg@10']) > Number(best['ndcg@10']) ? record : best));
}
