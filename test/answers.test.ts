import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeDataset } from '../src/store/layout.js';
import type { TrainOptions } from '../src/train/config.js';
import { gsas } from './support/command.js';
import { objectsOf } from './support/output.js';
import { scratchFolder } from './support/scratch.js';
import { dataset, MODEL } from './support/small.js';
import { writeUntrainedRun } from './support/untrained-run.js';

const VAL_USERS = Array.from({ length: 40 }, (_, i) => `${200 - i}\n`).join('');

const at = scratchFolder();
const run = (...args: string[]) => gsas(at(), ...args);

function writeRun(name: string, seed: number, options: Partial<TrainOptions> = {}, data = at('data')) {
  writeUntrainedRun(at(name), { options: { ...MODEL, init_std: 0.02, ...options }, data, seed, step: seed });
}

beforeAll(() => {
  writeDataset(at('data'), dataset);
  // As an import leaves it: items and users with the ids of the log.
  writeDataset(at('log'), dataset);
  const titled = ['Toy Story (1995)', 'Matrix, The (1999)', 'Titanic (1953)', 'Titanic (1997)'];
  const title = (item: number) => titled[item - 1] ?? `Sequel ${item}`;
  const items = Array.from({ length: 240 }, (_, i) => `${i + 1},S-${i + 1},"${title(i + 1)}"`);
  writeFileSync(at('log/items.csv'), `id,original_id,title\n${items.join('\n')}\n`);
  const users = Array.from({ length: 200 }, (_, i) => `${i + 1},user ${i + 1}`);
  writeFileSync(at('log/users.csv'), `id,original_id\n${users.join('\n')}\n`);
  writeFileSync(at('log/val/users.txt'), VAL_USERS);
  writeFileSync(at('log/test/users.txt'), '1\n');
  writeRun('a', 1);
  writeRun('b', 2);
  writeRun('unfiltered', 3, { filter_rated: false });
  writeRun('calibrated', 4, { gbce_t: 1 }, at('log'));
});

describe('evaluate', () => {
  it('measures what is asked for, with intervals, buckets and sampled metrics labelled as such', async () => {
    const args = ['--cutoffs', '20,5', '--metrics', 'map,hitrate', '--sampled', '10', '--buckets', '2', '--json'];
    const { status, stdout, stderr } = await run('evaluate', 'a', ...args, '--resamples', '50');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const [whole, sampled, ...buckets] = objectsOf(stdout);
    expect(whole).toMatchObject({ run: 'a', name: 'gSASRec', users: 200, targets: 200 });
    const names = ['map@5', 'map@20', 'map', 'hitrate@5', 'hitrate@20', 'popularity@5', 'popularity@20'];
    expect(Object.keys(whole.intervals)).toEqual(names);
    for (const name of names) {
      const [low, high] = whole.intervals[name];
      expect(low).toBeLessThanOrEqual(whole[name]);
      expect(high).toBeGreaterThanOrEqual(whole[name]);
    }
    expect(whole['coverage@20']).toBeGreaterThan(whole['coverage@5']);
    expect(sampled).toMatchObject({ sampled: 10, warning: expect.stringContaining('Krichene and Rendle, KDD 2020') });
    expect(sampled['hitrate@5']).toBeGreaterThan(whole['hitrate@5']);
    expect(buckets.map(({ bucket }) => bucket.by)).toEqual(['length', 'length', 'popularity', 'popularity']);
    expect(buckets[0].targets + buckets[1].targets).toBe(200);
  });

  it('compares two runs, and writes the ranks of every user', async () => {
    const args = ['--against', 'b', '--per-user', 'users.csv', '--resamples', '50', '--buckets', '0'];
    const { status, stdout } = await run('evaluate', 'a', ...args);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^a less b, paired by user; p of a two-sided randomisation test/m);
    expect(stdout).toMatch(/^ndcg@10 +[+-]0\.\d{4} \[[+-]\d\.\d{4}, [+-]\d\.\d{4}\] +[01]\.\d{4}$/m);
    const [header, ...lines] = readFileSync(at('users.csv'), 'utf8').trimEnd().split('\n');
    expect(header).toMatch(/^name,line,length,target,target_popularity,rank,ndcg@1,ndcg@10,recall@1,/);
    expect(lines).toHaveLength(400);
    expect(lines[0]).toMatch(new RegExp(`^a,1,${dataset.test.inputs.lengthOf(0)},${dataset.test.targets[0]},`));
    const against = await run('evaluate', 'a', '--against', 'a', '--buckets', '0', '--json');
    const { paired } = objectsOf(against.stdout).at(-1);
    expect(paired['ndcg@10']).toEqual({ difference: 0, low: 0, high: 0, p: 1 });
  });

  it('draws the targets of a user together, and names the user in the file', async () => {
    writeFileSync(at('log/val/users.txt'), Array.from({ length: 40 }, (_, i) => `${1 + (i % 4)}\n`).join(''));
    const args = ['--split', 'val', '--resamples', '50', '--buckets', '0', '--per-user', 'val.jsonl'];
    const { stdout } = await run('evaluate', 'calibrated', ...args);
    expect(stdout).toContain('val split, 40 targets of 4 users, step 4');
    const [first] = objectsOf(readFileSync(at('val.jsonl'), 'utf8'));
    expect(first).toMatchObject({ name: 'gSASRec', line: 1, user: 'user 1', target: dataset.val.targets[0] });
    writeFileSync(at('log/val/users.txt'), VAL_USERS);
  });

  it('ranks seen items too on demand', async () => {
    const { stdout } = await run('evaluate', 'a', '--no-filter-seen', '--buckets', '0');
    expect(stdout).toContain('200 users, step 1, seen items ranked too');
  });
});

describe('recommend', () => {
  it('takes titles, tells what it took them for, and leaves out what it does not know', async () => {
    const { status, stdout, stderr } = await run(
      'recommend',
      'calibrated',
      '--history',
      'toy stroy; S-9',
      'rubbish',
      '--top',
      '2',
    );
    expect({ status, stderr }).toEqual({
      status: 0,
      stderr: '"toy stroy" is taken for S-1 "Toy Story (1995)"\n"rubbish" is no item of this model and is left out\n',
    });
    const [after, , header, first, second, ...rest] = stdout.trimEnd().split('\n');
    expect(after).toBe('after S-1 "Toy Story (1995)", S-9 "Sequel 9":');
    expect(header!.trim().split(/ +/)).toEqual(['rank', 'item', 'original_id', 'score', 'probability', 'title']);
    for (const line of [first, second]) expect(line).toMatch(/^ +\d +\d+ +S-\d+ +-?\d+\.\d{4} +[01]\.\d{4} {2}\S/);
    expect(rest).toEqual([]);
  });

  it('gives probabilities only where the model is calibrated, and says so elsewhere', async () => {
    const [first] = objectsOf((await run('recommend', 'calibrated', '--history', 'S-5', '--json')).stdout);
    expect(first.probability).toBeCloseTo(1 / (1 + Math.exp(-first.score)), 12);
    expect(first.original_id).toBe(`S-${first.item}`);
    const { stdout } = await run('recommend', 'a', '--history', '5');
    expect(stdout).not.toContain('probability  ');
    expect(stdout).toContain(
      'their sigmoid is no probability, which it is where a model is trained with the loss gbce and gbce_t 1',
    );
  });

  it('says why: how much lower a score is without each item of the history', async () => {
    const recommended = async (...args: string[]) => {
      const { status, stdout } = await run(
        'recommend',
        'calibrated',
        ...args,
        '--top',
        '240',
        '--no-filter-seen',
        '--json',
      );
      expect(status).toBe(0);
      return objectsOf(stdout);
    };
    const [first] = await recommended('--history', 'S-5 S-9 S-7', '--why');
    const scoreAfter = async (history: string) =>
      (await recommended('--history', history)).find(({ item }) => item === first.item).score;
    const expected = [
      { item: 5, original_id: 'S-5', title: expect.any(String), change: first.score - (await scoreAfter('S-9 S-7')) },
      { item: 9, original_id: 'S-9', title: expect.any(String), change: first.score - (await scoreAfter('S-5 S-7')) },
      { item: 7, original_id: 'S-7', title: expect.any(String), change: first.score - (await scoreAfter('S-5 S-9')) },
    ].sort((a, b) => b.change - a.change);
    expect(first.why).toEqual(expected.map((one) => ({ ...one, change: expect.closeTo(one.change, 5) })));

    const args = ['--user', '#3', '--why', '--top', '2'];
    const { stdout } = await run('recommend', 'calibrated', ...args);
    expect(stdout).toMatch(/ {2}why\n +1 .* {2}\S.* \+\d+\.\d\d(; |\n)/);
    const alone = await run('recommend', 'calibrated', '--history', 'S-5', '--why');
    expect(alone).toMatchObject({ status: 0, stderr: expect.stringContaining('the history is a single item') });
    expect(alone.stdout).not.toContain('why');
  });

  it('reads items from files, and recommends none that is excluded', async () => {
    writeFileSync(at('history.txt'), 'the matrix\nS-7\n');
    const args = ['recommend', 'calibrated', '--history', '@history.txt', '--top', '3', '--json'];
    const all = objectsOf((await run(...args)).stdout).map(({ item }) => item);
    writeFileSync(at('out.txt'), `#${all[0]}\n`);
    const some = objectsOf((await run(...args, '--exclude', '@out.txt', `S-${all[1]}`)).stdout).map(({ item }) => item);
    expect(some[0]).toBe(all[2]);
  });

  it('answers for all users of a split, who have the ids of the log', async () => {
    const args = ['--split', 'val', '--top', '3'];
    const { status, stdout } = await run('recommend', 'calibrated', ...args, '--out', 'val.jsonl');
    expect({ status, stdout }).toEqual({
      status: 0,
      stdout: 'val.jsonl: 120 recommendations for the 40 users of the val split\n',
    });
    const rows = objectsOf(readFileSync(at('val.jsonl'), 'utf8'));
    expect(rows).toHaveLength(120);
    expect(rows[3]).toEqual({
      ...{
        line: 2,
        user: 'user 199',
        rank: 1,
        item: expect.any(Number),
        original_id: expect.stringMatching(/^S-\d+$/),
      },
      ...{ score: expect.any(Number), probability: expect.any(Number), title: expect.any(String) },
    });
    const history = [...dataset.val.inputs.at(1)].map((item) => `#${item}`).join(' ');
    const alone = await run('recommend', 'calibrated', '--history', history, '--top', '3', '--json');
    expect(objectsOf(alone.stdout).map(({ item }) => item)).toEqual(rows.slice(3, 6).map(({ item }) => item));
    await run('recommend', 'a', ...args, '--out', 'val.csv');
    expect(readFileSync(at('val.csv'), 'utf8')).toMatch(/^line,rank,item,score,title\n1,1,\d+,/);
  });
});

describe('bad input is one line that says what is wrong, exit code 2, and nothing is written', () => {
  it.each<[string, string[], ...(string | RegExp)[]]>([
    [
      'a title of several items',
      ['recommend', 'calibrated', '--history', 'titanic'],
      'S-3 "Titanic (1953)", S-4 "Titanic (1997)"; give',
    ],
    ['nothing known', ['recommend', 'a', '--history', '999', '0'], 'none of it is an item of this model'],
    ['a list without its @', ['recommend', 'a', '--history', '1', '--exclude', 'data'], 'write @data'],
    ['a list that is not there', ['recommend', 'a', '--history', '@absent.txt'], 'cannot read absent.txt'],
    ['a split without a file', ['recommend', 'a', '--split', 'test'], '--split and --out go together'],
    ['why for a file', ['recommend', 'a', '--split', 'test', '--out', 'x.csv', '--why'], '--why goes with --history'],
    ['a split and a history', ['recommend', 'a', '--split', 'test', '--history', '1'], 'either'],
    [
      'another format',
      ['recommend', 'a', '--split', 'test', '--out', 'never.xlsx'],
      'never.xlsx',
      '.csv, .parquet or .jsonl',
    ],
    ['a folder that is not there', ['recommend', 'a', '--split', 'test', '--out', 'never/x.csv'], 'there is no folder'],
    ['users of other lines', ['evaluate', 'calibrated', '--split', 'test'], 'test/users.txt has 1 users', '200 lines'],
    ['an unknown metric', ['evaluate', 'a', '--metrics', 'ndgc'], '"ndgc" must be some of ndcg, recall'],
    ['a cutoff of none', ['evaluate', 'a', '--cutoffs', '0,5'], '--cutoffs', 'at least 1'],
    ['runs that differ in filter_rated', ['evaluate', 'a', '--against', 'unfiltered'], '--no-filter-seen'],
    [
      'runs on other data',
      ['evaluate', 'a', '--against', 'calibrated'],
      /trained on .*data but calibrated on .*log; .*--data/,
    ],
  ])('%s', async (_, args, ...expected) => {
    const before = readdirSync(at());
    const { status, stdout, stderr } = await run(...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    const last = stderr.trimEnd().split('\n').at(-1);
    expect(last).toMatch(/^error: .*$/);
    for (const part of expected) expect(last).toMatch(part);
    expect(readdirSync(at())).toEqual(before);
  });
});
