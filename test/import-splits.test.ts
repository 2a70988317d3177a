import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { importInteractions } from '../src/ingest/import.js';
import { numpyChoice } from '../src/ingest/numpy_random.js';
import type { ImportOptions } from '../src/ingest/options.js';
import { asGiven, byTime, drawValUsers, leaveOneOut } from '../src/ingest/splits.js';
import { describeMovieLens } from './support/movielens.js';

const scratch = mkdtempSync(join(tmpdir(), 'gsas-splits-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const none = [0, 0];

describe("numpy's RandomState(seed).choice without replacement", () => {
  // Printed by numpy 2.4.6.
  it.each([
    [42, 6040, [5529, 710, 4923, 2153, 1272, 2316, 2094, 3127, 742, 296]],
    [7, 10, [8, 5, 0, 2]],
    [4294967295, 1000, [94, 405, 819, 632, 217, 169]],
    [1, 100000, [43660, 87278, 14317, 81932, 95321]],
    [0, 1, [0]],
  ])('seed %i of %i', (seed, population, expected) => {
    expect([...numpyChoice(seed, population, expected.length)]).toEqual(expected);
  });
});

describe('leave-one-out', () => {
  it('tests the last, validates the one before, and trains on the rest', () => {
    const cut = leaveOneOut();
    expect(cut(1, [], 5)).toEqual({ train: 3, val: [3, 4], test: [4, 5] });
    expect(cut(1, [], 3)).toEqual({ train: 1, val: [1, 2], test: [2, 3] });
    expect(cut(1, [], 2)).toEqual({ train: 2, val: none, test: none });
  });

  it('with validation users, keeps one more of theirs from training, as the official code', () => {
    const cut = leaveOneOut(new Set([2]));
    expect(cut(1, [], 5)).toEqual({ train: 3, val: none, test: [4, 5] });
    expect(cut(2, [], 5)).toEqual({ train: 2, val: [3, 4], test: [4, 5] });
  });

  it('draws as many validation users as asked, each a candidate, also where numpy draws a 0', () => {
    const candidates = Array.from({ length: 10 }, (_, i) => 100 + i);
    // numpy draws 8, 5, 0, 2: the eighth, fifth, last and second.
    expect([...drawValUsers(candidates, 4, 7)]).toEqual([107, 104, 109, 101]);
    expect(drawValUsers(candidates, 10, 7).size).toBe(10);
  });
});

describe('a split by time', () => {
  it('asks for what came first in each period, after all before it', () => {
    const cut = byTime(10, 20);
    const times = (...values: number[]) => cut(1, values, values.length);
    expect(times(1, 9, 10, 15, 20, 30)).toEqual({ train: 2, val: [2, 3], test: [4, 5] });
    expect(times(1, 9)).toEqual({ train: 2, val: none, test: none });
    expect(times(1, 20)).toEqual({ train: 1, val: none, test: [1, 2] });
    expect(times(11, 21)).toEqual({ train: 0, val: none, test: [1, 2] });
    expect(times(21, 22)).toEqual({ train: 0, val: none, test: none });
  });
});

it('a ready-made split asks for every held-out interaction that has something before it', () => {
  const parts = (...values: number[]) => asGiven(1, values, values.length);
  expect(parts(0, 0, 1, 2, 2)).toEqual({ train: 2, val: [2, 3], test: [3, 5] });
  expect(parts(1, 2)).toMatchObject({ train: 0, test: [1, 2] });
  const { val, test } = parts(2);
  expect([val[1] - val[0], test[1] - test[0]]).toEqual([0, 0]);
});

let folders = 0;

/** Imports a log of `user item time` lines; returns the files of the layout. */
async function split(log: string, options: Partial<ImportOptions>) {
  const out = join(scratch, `out${folders++}`);
  const file = `${out}.csv`;
  writeFileSync(file, `user,item,time\n${log}`);
  const report = await importInteractions({ ...(options.split !== 'given' && { files: [file] }), out, ...options });
  const read = (name: string) => readFileSync(join(out, name), 'utf8');
  return { report, read };
}

describe('importing with a split', () => {
  const LOG = [
    ...['u,a,1', 'u,b,2', 'v,a,3', 'v,b,4', 'w,c,5', 'w,a,6'],
    ...['u,new,11', 'u,c,12', 'v,c,13', 'x,a,14'],
    ...['u,a,21', 'v,newer,22', 'x,b,23', 'y,a,29'],
  ].join('\n');

  it('by time lets nothing of the future into training: items first seen later are dropped and counted', async () => {
    const { report, read } = await split(LOG, { split: 'time', testFrom: '20', valFrom: '10' });
    expect(read('items.csv')).toBe('id,original_id,title\n1,a,a\n2,b,b\n3,c,c\n');
    expect(read('users.csv')).toBe('id,original_id\n1,u\n2,v\n3,w\n4,x\n5,y\n');
    expect(read('train/input.txt')).toBe('1 2\n1 2\n3 1\n');
    expect([read('val/users.txt'), read('val/input.txt'), read('val/output.txt')]).toEqual([
      '1\n2\n',
      '1 2\n1 2\n',
      '3\n3\n',
    ]);
    expect([read('test/users.txt'), read('test/input.txt'), read('test/output.txt')]).toEqual([
      '1\n4\n',
      '1 2 3\n1\n',
      '1\n2\n',
    ]);
    expect(report.dropped.unseen).toBe(2);
    expect(report.unseen).toEqual({ items: 0, valTargets: 0, testTargets: 0 });
    expect(report.split).toBe('by time: training before 10, validation before 20, then test');
  });

  it('by time keeps unseen items when told to, and counts the targets that nothing can hit', async () => {
    const { report } = await split(LOG, { split: 'time', testFrom: '20', valFrom: '10', unseenItems: 'keep' });
    expect(report.unseen).toEqual({ items: 2, valTargets: 1, testTargets: 1 });
  });

  it('by time makes the validation period as long as the test period, and counts the k-core in training alone', async () => {
    const { report, read } = await split(`${LOG}\nv,a,15`, { split: 'time', testFrom: '20', minItemInteractions: 2 });
    expect(report.split).toContain('before 11');
    // c is in training once, though three times in all.
    expect(read('items.csv')).toBe('id,original_id,title\n1,a,a\n2,b,b\n');
  });

  it.each([
    ['numbers in seconds', '2020-01-01', (day: number) => String(1577836800 + 86400 * (day - 1))],
    [
      'numbers in milliseconds',
      '2020-01-01T00:00:00Z',
      (day: number) => String(1000 * (1577836800 + 86400 * (day - 1))),
    ],
    ['dates', '2020-01-01', (day: number) => new Date(Date.UTC(2020, 0, day)).toISOString()],
  ])('by time takes a date for %s', async (_, testFrom, time) => {
    const log = [-3, -2, -1, 0, 1, 2]
      .map((day, i) => `u,${i % 3},${time(day)}\nv,${(i + 1) % 3},${time(day)}`)
      .join('\n');
    const { read } = await split(log, { split: 'time', testFrom });
    expect(read('train/input.txt')).toBe('1 2 3\n2 3 1\n');
    expect(read('test/output.txt')).toBe('2\n3\n');
  });

  it('as given takes each file for its part', async () => {
    const parts = ['train', 'val', 'test'].map((part, i) => {
      const file = join(scratch, `${part}.inter`);
      writeFileSync(file, `user_id:token\titem_id:token\n${['u\ta\nu\tb\nv\tb\n', 'u\tc\n', 'v\tz\nv\ta\n'][i]}`);
      return [file];
    });
    const [train, val, test] = parts;
    const given = { split: 'given', train, val, test } as Partial<ImportOptions>;
    const { report, read } = await split('', given);
    expect([read('train/input.txt'), read('val/input.txt'), read('val/output.txt')]).toEqual([
      '1 2\n2\n',
      '1 2\n',
      '3\n',
    ]);
    expect([read('test/input.txt'), read('test/output.txt')]).toEqual(['2\n2 4\n', '4\n1\n']);
    expect(report.unseen).toEqual({ items: 2, valTargets: 1, testTargets: 1 });
    await expect(split('', { ...given, minItemInteractions: 2 })).rejects.toThrow(
      /--min-item-interactions would change/,
    );
    await expect(split('', { ...given, files: ['log.csv'] })).rejects.toThrow(/leave out log.csv/);
    await expect(split('', { split: 'given' })).rejects.toThrow(/needs --train, --val and --test/);
  });

  it.each<[Partial<ImportOptions>, RegExp]>([
    [{ split: 'time' }, /needs --test-from/],
    [{ testFrom: '3' }, /go with --split time/],
    [{ train: ['x'] }, /go with --split given/],
    [{ split: 'time', testFrom: '3', valUsers: 2 }, /--val-users goes with/],
    [{ unseenItems: 'drop' }, /goes with --split time/],
    [{ split: 'time', testFrom: '3', valFrom: '4' }, /--val-from 4 must be later than 1.*not later than 3/],
    [{ split: 'time', testFrom: '3' }, /longer than all before it/],
  ])('refuses %j', async (options, message) => {
    await expect(split(LOG, options)).rejects.toThrow(message);
  });
});

describeMovieLens('MovieLens-1M', (folder) => {
  it('is split as by the official code, byte for byte', async () => {
    const out = join(scratch, 'ml1m');
    await importInteractions({ files: [join(folder, 'ml-1m.txt')], out, valUsers: 512 });
    const official = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
      /(put\.txt|json)$/.test(name),
    );
    expect(official).toHaveLength(6);
    for (const name of official)
      expect(readFileSync(join(out, name)).equals(readFileSync(join(folder, name))), name).toBe(true);
    expect(readFileSync(join(out, 'val', 'users.txt'), 'utf8')).toBe(
      readFileSync(join(folder, 'val_users.txt'), 'utf8'),
    );
  });
});
