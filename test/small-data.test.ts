import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../src/base/errors.js';
import { type Dataset, describeDataset, Sequences } from '../src/data/dataset.js';
import { syntheticDataset } from '../src/data/synthetic.js';
import { markov, popularity } from '../src/infer/baselines.js';
import { evaluate } from '../src/infer/evaluation.js';
import { loadCheckpoint } from '../src/store/checkpoint.js';
import { readDataset, writeDataset } from '../src/store/layout.js';
import { loadResumable } from '../src/store/resumable.js';
import { RunFolder } from '../src/store/run-folder.js';
import { MemoryStore } from '../src/train/memory-store.js';
import { planTraining } from '../src/train/plan.js';
import { type TrainRequest, train } from '../src/train/train.js';
import { gsas, startGsas } from './support/command.js';
import { gpu } from './support/device.js';
import { expectMistake, objectsOf } from './support/output.js';
import { scratchFolder } from './support/scratch.js';
import { flagsOf, TRAINING } from './support/small.js';

const at = scratchFolder();
const run = (...args: string[]) => gsas(at(), ...args);
const succeed = async (...args: string[]) => {
  const { status, stdout, stderr } = await run(...args);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
};

const NOBODY = { inputs: Sequences.from([]), targets: new Uint32Array(0) };
const split = (inputs: number[][], targets: number[]) => ({
  inputs: Sequences.from(inputs),
  targets: Uint32Array.from(targets),
});

/** Seven items; two users have one interaction and two have two. */
const FEW: Dataset = {
  name: 'few',
  numItems: 7,
  train: Sequences.from([[1, 2, 3], [4, 5, 6, 7], [2, 3], [5, 6], [1], [7]]),
  val: split([[1, 2, 3]], [4]),
  test: split(
    [
      [1, 2, 3, 4],
      [4, 5, 6, 7],
    ],
    [5, 1],
  ),
};

const TWO: Dataset = {
  name: 'two',
  numItems: 2,
  train: Sequences.from([[1, 2], [2, 1], [1]]),
  val: split([[1, 2], [2]], [1, 1]),
  test: split([[1, 2, 1], [2]], [2, 1]),
};

const SHORT = { ...TRAINING, train_batch_size: 2, max_batches_per_epoch: 2, negs_per_pos: 2, max_steps: 5 };
const FLAGS = flagsOf(SHORT);

const write = (name: string, dataset: Dataset) => writeDataset(at(name), dataset);

/** Every command that reads a run, in the order in which a person would use them. */
describe('a dataset without validation users', () => {
  const dataset = { ...FEW, val: NOBODY };
  beforeAll(() => {
    write('noval', dataset);
  });

  it('is written and read back', () => {
    expect(readDataset(at('noval'))).toEqual({ ...dataset, name: 'noval' });
  });

  it('trains to a limit, says so, and keeps the latest weights', async () => {
    const printed = await succeed('train', '--data', 'noval', '--out', 'run', ...FLAGS);
    expect(printed).toContain(
      'there is nobody to validate on: the latest weights are the best, and only max_epochs (10000), max_steps or max_minutes ends the run\n',
    );
    expect(printed).toMatch(/^epoch 2.5 {2}step 5 {2}loss \d\.\d+ {2}\d+ positions/m);
    expect(printed).toContain('the weights of step 5: run/best.safetensors');
    const [best, last] = [loadCheckpoint(at('run')), loadCheckpoint(at('run'), 'last')];
    expect(best.weights).toEqual(last.weights);
    expect(best.metrics).toEqual({});
    expect(await succeed('runs', '.')).toMatch(/^run +noval +– +5 +5 /m);
  });

  it('is resumed to the same bits as a run that was never stopped', async () => {
    const go = (store: RunFolder | MemoryStore, more: Partial<TrainRequest> = {}) =>
      train({ gpu, dataset, store, ...more, options: { ...SHORT, max_steps: 7, ...more.options } });
    const whole = new MemoryStore();
    await go(whole);
    const parts = new RunFolder(at('parts'));
    await go(parts, { options: { max_steps: 4 } });
    const { best } = await go(parts, { resume: true });
    expect(loadResumable(at('parts')).weights).toEqual(whole.load().weights);
    expect(best!.weights).toEqual(whole.best()!.weights);
    expect(whole.validations.map(({ step, epoch }) => [step, epoch])).toEqual([
      [2, 1],
      [4, 2],
      [6, 3],
      [7, 3.5],
    ]);
    expect(whole.load().loop).not.toHaveProperty('best_metric');
  });

  it('is evaluated on the test split, and nobody is on the other', async () => {
    expect(await succeed('evaluate', 'run', '--baselines', '--resamples', '20')).toContain(
      'test split, 2 users, step 5',
    );
    expectMistake(await run('evaluate', 'run', '--split', 'val'), 'the val split of noval is empty');
    const args = ['--split', 'val', '--out', 'val.csv'];
    expectMistake(await run('recommend', 'run', ...args), 'the val split of noval is empty');
  });

  it('is reported on and planned for', async () => {
    await succeed('report', 'run');
    const page = readFileSync(at('run/report.html'), 'utf8');
    expect(page).toContain('There was nobody to validate on: best.safetensors holds the latest weights.');
    expect(page).not.toMatch(/NaN|undefined/);
    await succeed('report', 'run', 'run', '--out', 'both.html');
    expect(readFileSync(at('both.html'), 'utf8')).not.toMatch(/NaN|undefined/);
    expect(await succeed('train', '--data', 'noval', '--dry-run', ...FLAGS)).toContain('# note       there is nobody');
  });
});

describe('a dataset without test users', () => {
  it('is trained on, and reported on without what needs them', async () => {
    write('notest', { ...FEW, test: NOBODY });
    const { status, stdout, stderr } = await run('train', '--data', 'notest', '--out', 'untested', ...FLAGS);
    const reason =
      'untested is reported without intervals, calibration and examples: the test split of notest is empty\n';
    expect({ status, stderr }).toEqual({ status: 0, stderr: reason });
    expect(stdout).toMatch(/^notest: 6 users, 7 items, 14 interactions, 2\.3 a user$/m);
    expect(stdout).not.toContain('evaluate');
    expect(readFileSync(at('untested/report.html'), 'utf8')).not.toMatch(/NaN|undefined/);
    expectMistake(await run('evaluate', 'untested'), 'the test split of notest is empty; choose another --split');
    expectMistake(await run('evaluate', '--model', 'markov', '--data', 'notest'), 'the test split of notest is empty');
    expect(await succeed('data', 'stats', 'notest')).not.toContain('No test target');
  });
});

describe('a catalogue of two items', () => {
  beforeAll(() => {
    write('two', TWO);
  });

  it('is trained on, evaluated and recommended from, as far as unseen items go', async () => {
    const printed = await succeed('train', '--data', 'two', '--out', 'pair', ...FLAGS);
    expect(printed).toContain('--history "#1 #2"');
    const rows = objectsOf(
      await succeed('evaluate', 'pair', '--baselines', '--resamples', '20', '--buckets', '0', '--json'),
    );
    // One user has seen both, the other is left with one.
    for (const row of rows)
      expect(row).toMatchObject({ users: 2, 'ndcg@1': 0.5, 'recall@10': 0.5, mrr: 0.5, 'coverage@1': 0.5 });
    const [only, ...rest] = objectsOf(await succeed('recommend', 'pair', '--history', '1', '--json'));
    expect([only.item, rest]).toEqual([2, []]);
    const { status, stdout, stderr } = await run('recommend', 'pair', '--history', '1 2');
    expect({ status, stdout, stderr }).toEqual({
      ...{ status: 0, stdout: '' },
      stderr: 'no item is left to recommend; --no-filter-seen ranks those of the history too\n',
    });
    expect(
      objectsOf(await succeed('recommend', 'pair', '--history', '1 2', '--no-filter-seen', '--json')),
    ).toHaveLength(2);
  });

  it('is served', async () => {
    const service = startGsas(at(), 'serve', 'pair', '--port', '0');
    await service.printed(/served at http:\S+/);
    service.signal('SIGTERM');
    const { status, stderr } = await service.ended;
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('warns where every target is hidden', async () => {
    write('hidden', { ...TWO, val: split([[1, 2]], [1]), test: split([[1, 2]], [2]) });
    const { status, stdout } = await run('train', '--data', 'hidden', '--out', 'blind', '--no-report', ...FLAGS);
    expect(status).toBe(0);
    expect(stdout).toContain('every validation target is in its own history, and seen items are left out');
    const evaluated = await run('evaluate', 'blind', '--resamples', '20');
    expect(evaluated.stderr).toBe(
      'every target is in its own history, so none is found; --no-filter-seen ranks seen items too\n',
    );
    const seen = await succeed('evaluate', 'blind', '--resamples', '20', '--no-filter-seen', '--buckets', '0');
    expect(seen).toMatch(/^recall@10 +1\.0000/m);
    const { notices } = await planTraining({ dataset: readDataset(at('hidden')), options: { filter_rated: false } });
    expect(notices).toEqual([]);
  });
});

describe('a catalogue of one item', () => {
  const one: Dataset = {
    name: 'one',
    numItems: 1,
    train: Sequences.from([[1, 1]]),
    val: NOBODY,
    test: split([[1]], [1]),
  };

  it('has nothing to rank, so that it is refused where data comes in and where a model would be trained', async () => {
    mkdirSync(at('one'));
    writeFileSync(at('one/dataset_stats.json'), '{"num_items": 1}');
    expectMistake(
      await run('train', '--data', 'one'),
      'num_items is 1; give the number of items, a whole number from 2',
    );
    writeFileSync(at('log.csv'), 'user,item,time\nu,a,1\nu,a,2\nu,a,3\n');
    expectMistake(
      await run('data', 'import', 'log.csv', '--out', 'no'),
      'only one item is left, so there is nothing to rank',
    );
    await expect(train({ gpu, dataset: one })).rejects.toThrow(
      new InputError('options: num_items is 1; it must be an integer, at least 2 and at most 2147483645'),
    );
  });

  it('is ranked by baselines all the same', async () => {
    for (const baseline of [popularity(one), markov(one)]) {
      const { estimates } = await evaluate(baseline, one, 'test', { filterRated: false, resamples: 10 });
      expect(estimates.mrr.value).toBe(1);
      expect(await baseline.top([[1]], { filterRated: false })).toMatchObject([[{ item: 1 }]]);
      expect(await baseline.top([[1]])).toEqual([[]]);
    }
  });
});

describe('users with fewer than three interactions', () => {
  it('train where they have two, are in nobody’s way, and are counted', async () => {
    const log = [
      'a,1',
      'b,1',
      'b,2',
      ...[1, 2, 3].map((item) => `c,${item}`),
      ...[2, 3, 1, 4].map((item) => `d,${item}`),
    ];
    writeFileSync(at('users.csv'), `user,item,time\n${log.map((line, time) => `${line},${time}`).join('\n')}\n`);
    await succeed('data', 'import', 'users.csv', '--out', 'users');
    const dataset = readDataset(at('users'));
    expect(describeDataset(dataset)).toBe('users: 4 users, 4 items, 10 interactions, 2.5 a user');
    expect(dataset.train.count).toBe(4);
    expect([...dataset.test.users!]).toEqual([2, 3]);
    await succeed('train', '--data', 'users', '--out', 'short', ...FLAGS);
    const [whole] = objectsOf(await succeed('evaluate', 'short', '--json', '--resamples', '20'));
    expect(whole.users).toBe(2);
    await succeed('recommend', 'short', '--split', 'train', '--top', '2', '--out', 'all.jsonl');
    const lines = objectsOf(readFileSync(at('all.jsonl'), 'utf8')).map(({ user }) => user);
    expect(new Set(lines)).toEqual(new Set(['a', 'b', 'c', 'd']));
  });

  it('say what is missing where nobody has two', async () => {
    const dataset = { ...FEW, train: Sequences.from([[1], [2]]) };
    await expect(train({ gpu, dataset, options: SHORT })).rejects.toThrow('no training sequence has two items');
  });
});

it('the synthetic catalogue can do without validation users', async () => {
  const { dataset } = syntheticDataset({ items: 240, users: 30, valUsers: 0 });
  const { best, stopped } = await train({ gpu, dataset, options: { ...SHORT, max_steps: 3 } });
  expect([best!.step, stopped]).toEqual([3, 'max_steps']);
});
