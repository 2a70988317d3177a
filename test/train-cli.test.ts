import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { describeDataset } from '../src/data/dataset.js';
import { metricsOf } from '../src/data/metrics.js';
import { popularity as popularityOf } from '../src/infer/baselines.js';
import { loadCheckpoint } from '../src/store/checkpoint.js';
import { type JournalRecord, readJournal } from '../src/store/journal.js';
import { writeDataset } from '../src/store/layout.js';
import { loadResumable } from '../src/store/resumable.js';
import { gsas, type Outcome, startGsas } from './support/command.js';
import { cellsOf, objectsOf } from './support/output.js';
import { scratchFolder } from './support/scratch.js';
import { dataset, flagsOf, TRAINING } from './support/small.js';
import { spoilSlots } from './support/spoil.js';
import { writeUntrainedRun } from './support/untrained-run.js';

const FLAGS = flagsOf(TRAINING);

const at = scratchFolder();
const run = (...args: string[]) => gsas(at(), ...args);

/** The run that most tests look at, evaluate, or ask for recommendations. */
let trained: Outcome;
beforeAll(async () => {
  writeDataset(at('data'), dataset);
  trained = await run('train', '--data', 'data', '--out', 'runs/first', ...FLAGS, '--max-epochs', '2');
});

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
      'items.csv',
      'last.optimizer-4.safetensors',
      'last.optimizer-8.safetensors',
      'last.safetensors',
      'metrics.jsonl',
      'previous.safetensors',
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
        ...FLAGS,
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
    const args = ['train', '--data', 'data', ...FLAGS, '--max-epochs', '40', '--no-report'];
    const whole = run(...args, '--out', 'runs/whole');
    const first = startGsas(at(), ...args, '--out', 'runs/parts');
    await first.printed(/^epoch 1 /m);
    first.signal('SIGINT');
    first.signal('SIGINT'); // as npx repeats it
    const { status, stdout, stderr } = await first.ended;
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const [, steps] = /^stopped after (\d+) steps, .*: interrupted$/m.exec(stdout)!;
    expect(Number(steps)).toBeLessThan(160);
    expect(loadResumable(at('runs/parts')).step).toBe(Number(steps));
    expect(stdout).toContain('npx gsas-wgpu train --resume --out runs/parts');

    const second = startGsas(at(), 'train', '--resume', '--out', 'runs/parts', '--no-report');
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
    expect(parts!.slots).toEqual(uninterrupted!.slots);
    const journal = (name: string) =>
      readJournal(at('runs', name, 'metrics.jsonl')).map(({ seconds, positions_per_second, ...rest }) => rest);
    expect(journal('parts')).toEqual(journal('whole'));
  });

  it('takes none for a limit, and so lifts one that a run was started with', async () => {
    const args = ['train', '--data', 'data', '--out', 'runs/limited', '--no-report'];
    const first = await run(...args, ...FLAGS, '--max-epochs', '2', '--max-steps', '3', '--max-minutes', 'none');
    expect(first).toMatchObject({ status: 0, stdout: expect.stringContaining(': max_steps reached\n') });
    const second = await run('train', '--resume', '--out', 'runs/limited', '--no-report', '--max-steps', 'none');
    expect(second).toMatchObject({ status: 0, stdout: expect.stringContaining('stopped after 8 steps, ') });
    expect(loadCheckpoint(at('runs/limited'), 'last').config).toMatchObject({ max_steps: null, max_minutes: null });
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
      ...FLAGS,
    );
    expect({ status: dry.status, stderr: dry.stderr }).toEqual({ status: 0, stderr: '' });
    const [, step] = /^# a step +([\d,]+) ms, here and now$/m.exec(dry.stdout)!;
    const [, steps] = /^# at most +([\d,]+) steps, 12s; early stopping may end it sooner$/m.exec(dry.stdout)!;
    // The milliseconds are rounded to whole ones.
    expect(Math.abs(12_000 / Number(steps!.replaceAll(',', '')) - Number(step))).toBeLessThanOrEqual(1);
    expect(existsSync(at('runs/dry'))).toBe(false);
  });

  it('takes of a preset or a file what means something for the loss that is asked for', async () => {
    writeFileSync(at('sasrec.yaml'), 'preset: sasrec-ml1m\n');
    const dry = ['train', '--data', 'data', '--config', 'sasrec.yaml', '--dry-run', ...FLAGS];
    const { status, stdout } = await run(...dry, '--loss', 'ssm');
    expect({ status, stdout }).toMatchObject({ status: 0, stdout: expect.stringContaining('\nloss: ssm\n') });
    const refused = await run(...dry, '--loss', 'ssm', '--gbce-t', '0.5');
    expect(refused).toMatchObject({ status: 2, stderr: expect.stringContaining('gbce_t is 0.5, but means nothing') });
  });

  it('exits 1 when training fails', async () => {
    writeUntrainedRun(at('runs/diverged'), { options: TRAINING, data: at('data') });
    spoilSlots(at('runs/diverged'));
    const { status, stderr } = await run('train', '--resume', '--out', 'runs/diverged', '--max-epochs', '9');
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringMatching(/^error: the loss is .*\n$/) });
    expect(stderr).toContain('try a smaller lr than 0.005');
  });
});

describe('evaluate', () => {
  it('ranks the test split beside the baselines, as JSON', async () => {
    const { status, stdout, stderr } = await run('evaluate', 'runs/first', '--split', 'test', '--baselines', '--json');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const [model, popularity, markov] = objectsOf(stdout);
    expect(model).toMatchObject({ run: 'runs/first', split: 'test', name: 'gSASRec' });
    expect(model.mrr).toBeGreaterThan(0);
    expect(model.mrr).toBeLessThan(1);
    expect(popularity).toMatchObject({
      name: 'popularity',
      ...metricsOf((await popularityOf(dataset).rank(dataset.test)).ranks),
    });
    expect(markov.name).toBe('first-order Markov counts');
  });

  it('ranks the validation split as training did', async () => {
    const { stdout } = await run('evaluate', 'runs/first', '--split', 'val', '--json');
    const [measured] = objectsOf(stdout);
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
    const [header, ...found] = cellsOf(stdout).slice(2, 240);
    expect(header).toEqual(['rank', 'item', 'score', 'title']);
    expect(found.map(([rank]) => Number(rank))).toEqual(Array.from({ length: 237 }, (_, i) => i + 1));
    const items = found.map(([, item]) => Number(item));
    expect(items.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 237 }, (_, i) => i + 4));
    const scores = found.map(([, , score]) => Number(score));
    expect(scores).toEqual(scores.toSorted((a, b) => b - a));
  });

  it('keeps the items of the history on demand, and then gives the whole catalogue at most', async () => {
    const args = ['--history', '1,2, 3', '--no-filter-seen', '--top', '512', '--json'];
    const items = objectsOf((await run('recommend', 'runs/first', ...args)).stdout).map(({ item }) => item);
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
    const objects = objectsOf((await run(...args, '--json')).stdout);
    expect(objects.map(({ rank }) => rank)).toEqual([1, 2, 3]);
    for (const { item, title } of objects) expect(title).toBe(dataset.titles!.get(item));
    const lines = cellsOf((await run(...args, '--titles', 'titles.csv')).stdout).slice(3, 6);
    expect(lines.map(([, item, , title]) => [Number(item), title])).toEqual(
      objects.map(({ item }) => [item, `No ${item}`]),
    );
  });
});

/** The record of the best checkpoint: the first of those with the largest NDCG@10. */
function bestOf(records: JournalRecord[]): JournalRecord {
  return records.reduce((best, record) => (Number(record['ndcg@10']) > Number(best['ndcg@10']) ? record : best));
}
