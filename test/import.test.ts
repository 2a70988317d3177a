import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readDataset } from '../src/store/layout.js';
import { datasetStats } from '../src/store/stats.js';
import { importFolder, lines } from './support/import.js';

const { at, write, run, text, sequences, expectInputError } = importFolder();

describe('choosing', () => {
  it('leaves out low ratings', async () => {
    const { dropped } = await run(
      [
        write(
          'log.dat',
          lines((row) => row.join('::')),
        ),
      ],
      { minRating: 2 },
    );
    expect(dropped).toEqual({ incomplete: 0, events: 0, rating: 1, duplicates: 0, tooFew: 0, unseen: 0 });
    expect(sequences()).toEqual(['alice: a x,1 b']);
  });

  it.each([
    ['keep', 'u: a b a c b a'],
    ['first', 'u: a b c'],
    ['last', 'u: c b a'],
  ] as const)('keeps of duplicates: %s', async (duplicates, sequence) => {
    const { dropped } = await run([write('log.txt', 'u a\nu b\nu a\nu c\nu b\nu a\n')], { duplicates });
    expect(sequences()).toEqual([sequence]);
    expect(dropped.duplicates).toBe(duplicates === 'keep' ? 0 : 3);
  });

  it('iterates the k-core until every user and every item has k', async () => {
    // d has two users only while v is there; v goes with e, which v alone has.
    const log = 'u a\nu b\nu c\nu d\nw a\nw b\nw c\nx a\nx b\nx c\nv d\nv e\nv a\n';
    const { dropped } = await run([write('log.txt', log)], { minUserInteractions: 3, minItemInteractions: 2 });
    expect(sequences()).toEqual(['u: a b c', 'w: a b c', 'x: a b c']);
    expect(dropped.tooFew).toBe(4);
  });

  it('takes titles, the first of an item with several, and its id for one without', async () => {
    const titles = write('items.tsv', 'code\tname\nb\tBee, "buzzing"\nb\tOther\na\t\nz\tUnused\n');
    const { untitled } = await run([write('log.txt', 'u a\nu b\nu c\n')], { titles: { file: titles } });
    expect(untitled).toBe(2);
    expect(text('items.csv')).toBe('id,original_id,title\n1,a,a\n2,b,"Bee, ""buzzing"""\n3,c,c\n');
  });
});

describe('the folder', () => {
  const log = () => write('log.txt', 'u a\nu b\nu a\nu c\nv b\nv a\nv c\n');

  it('holds what readDataset reads, the maps of ids, and the report', async () => {
    const report = await run([log()]);
    expect(readDataset(at('out')).test.targets).toEqual(Uint32Array.of(3, 3));
    expect(readdirSync(at('out')).sort()).toEqual([
      'dataset_stats.json',
      'import.json',
      'items.csv',
      'test',
      'train',
      'users.csv',
      'val',
    ]);
    expect(text('users.csv')).toBe('id,original_id\n1,u\n2,v\n');
    expect(text('train/users.txt')).toBe('1\n2\n');
    expect(text('dataset_stats.json')).toBe(
      '{\n    "num_users": 2,\n    "num_items": 3,\n    "num_interactions": 7\n}',
    );
    expect(JSON.parse(text('import.json'))).toMatchObject({ ...report, options: { files: [at('log.txt')] } });
    expect(report.unseen).toEqual({ items: 1, valTargets: 0, testTargets: 2 });
    expect(report.stats).toEqual(datasetStats(at('out')));
    expect(report.stats.test).toEqual({
      lines: 2,
      interactions: 7,
      lengths: { mean: 3.5, min: 3, p10: 3, p50: 3, p90: 4, max: 4 },
      repeats: 1 / 7,
      seenTargets: 0,
    });
    expect(report.stats.val.seenTargets).toBe(1 / 2);
    expect(report.stats.density).toBe(7 / 6);
    expect(report.stats.ties).toBeNull();
  });

  it('counts what has no order in time', async () => {
    const times = { u: [1, 1, 2, 3], v: [1, 2, 3, 3], w: [5, 6, 6, 6, 7] };
    const rows = Object.entries(times).flatMap(([user, all]) => all.map((time, i) => `${user},${i},${time}\n`));
    const { stats } = await run([write('log.csv', `user,item,time\n${rows.join('')}`)]);
    // u's first two, v's last two, of which one is the target, and w's three in the middle.
    expect(stats.ties).toEqual({ interactions: 7, testTargets: 1 });
  });

  it('replaces a dataset only by force, and nothing else ever', async () => {
    await run([log()]);
    await expect(run([log()])).rejects.toThrow(/not empty.*--force/);
    await run([write('new.txt', 'w 1\nw 2\nw 3\n')], { force: true });
    expect(sequences()).toEqual(['w: 1 2 3']);
    mkdirSync(at('precious'));
    write('precious/thing', 'x');
    await expect(run([log()], { out: at('precious'), force: true })).rejects.toThrow(/no dataset to replace/);
    await expect(run([log()], { out: at('log.txt') })).rejects.toThrow(/is a file/);
    expect(readdirSync(at()).sort()).toEqual(['log.txt', 'new.txt', 'out', 'precious']);
  });

  it('is whole or not there: an abort leaves the old one, and no folder made on the way', async () => {
    await run([log()]);
    const controller = new AbortController();
    const onProgress = (step: string) => step.startsWith('sorting') && controller.abort(new Error('stop'));
    const { signal } = controller;
    await expect(run([write('new.txt', 'w 1\nw 2\nw 3\n')], { force: true, signal, onProgress })).rejects.toThrow(
      'stop',
    );
    expect(sequences()).toContain('v: b a c');
    await expect(run([log()], { out: at('deep/er/out'), signal })).rejects.toThrow('stop');
    expect(readdirSync(at()).sort()).toEqual(['log.txt', 'new.txt', 'out']);
  });

  it('says so when it cannot be written', async () => {
    const file = log();
    await expectInputError(run([file], { out: join(file, 'out') }), 'log.txt/out', 'not a directory');
    expect(existsSync(file)).toBe(true);
  });
});
