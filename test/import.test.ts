import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { importInteractions } from '../src/data/import/import.js';
import type { ImportOptions } from '../src/data/import/options.js';
import { readDataset } from '../src/data/layout.js';
import { datasetStats } from '../src/data/stats.js';
import { InputError } from '../src/engine/errors.js';
import { parquet } from './support/parquet.js';

const scratch = mkdtempSync(join(tmpdir(), 'gsas-import-'));
afterAll(() => rmSync(scratch, { recursive: true }));

let dir: string;
let folders = 0;
beforeEach(() => {
  dir = join(scratch, `case${folders++}`);
  mkdirSync(dir);
});
const at = (...path: string[]) => join(dir, ...path);

function write(name: string, content: string | Uint8Array): string {
  writeFileSync(at(name), content);
  return at(name);
}

const run = (files: string[], options: Partial<ImportOptions> = {}) =>
  importInteractions({ files, out: at('out'), ...options });

const text = (name: string) => readFileSync(at('out', name), 'utf8');
/** The test part's whole sequences, by the ids of the log: `alice: a b c`. */
function sequences(): string[] {
  const ids = (name: string) => new Map(csv(text(name)).map(([id, original]) => [id!, original!]));
  const [users, items] = [ids('users.csv'), ids('items.csv')];
  const [lines, targets, of] = ['input', 'output', 'users'].map((name) =>
    text(`test/${name}.txt`).trimEnd().split('\n'),
  );
  return lines!.map(
    (line, i) => `${users.get(of![i]!)}: ${[...line.split(' '), targets![i]!].map((id) => items.get(id)).join(' ')}`,
  );
}
const csv = (body: string) => parse(body, { from_line: 2 }) as unknown as string[][];

async function expectInputError(work: Promise<unknown>, ...parts: string[]): Promise<void> {
  const error = await work.then(
    () => undefined,
    (thrown) => thrown,
  );
  expect(error).toBeInstanceOf(InputError);
  for (const part of parts) expect(error.message).toContain(part);
  expect(error.message).not.toContain('\n');
  // Nothing is left: neither the folder nor a temporary one beside it.
  expect(readdirSync(dir).filter((name) => name.startsWith('.') || name === 'out')).toEqual([]);
}

/** One small log, by columns; times are out of order, and bob's a and c are at the same one. */
const ROWS = [
  ['bob', 'a', 5, 30],
  ['alice', 'x,1', 4, 20],
  ['bob', 'c', 1, 30],
  ['alice', 'a', 3, 10],
  ['alice', 'b', 5, 40],
  ['bob', 'b', 2, 10],
] as const;
const SEQUENCES = ['bob: b a c', 'alice: a x,1 b'];
const lines = (join: (row: readonly (string | number)[]) => string) => ROWS.map((row) => `${join(row)}\n`).join('');
const quoted = (separator: string) => lines((row) => row.map((v) => `"${v}"`).join(separator));
const json = lines(([userId, itemId, rating, timestamp]) => JSON.stringify({ userId, itemId, rating, timestamp }));

describe('formats', () => {
  it.each<[string, string, string | Uint8Array, Partial<ImportOptions>?]>([
    ['CSV with a header', 'log.csv', `user_id,item_id,rating,timestamp\n${quoted(',')}`],
    [
      'CSV with other names, BOM, CRLF and empty lines',
      'log.csv',
      `\uFEFFCustomer ID,StockCode,stars,InvoiceDate\r\n\r\n${quoted(',').replaceAll('\n', '\r\n')}`,
    ],
    [
      'CSV with columns that flags name',
      'log.csv',
      `who,what,stars,Moment\n${quoted(',')}`,
      { userCol: 'who', itemCol: 'what', timeCol: 'moment' },
    ],
    ['CSV without a header', 'log.csv', quoted(',')],
    [
      'CSV without a header, said',
      'log.csv',
      lines((row) => row.map((v) => `"${v}"`).join(',')),
      { header: false, userCol: '1', itemCol: '2', timeCol: '4' },
    ],
    ['semicolons', 'log.csv', `user;item;rating;time\n${quoted(';')}`],
    ['TSV', 'log.tsv', `user\titem\trating\ttime\n${lines((row) => row.join('\t'))}`],
    ["MovieLens' ratings.dat", 'ratings.dat', lines((row) => row.join('::'))],
    [
      "RecBole's .inter",
      'log.inter',
      `user_id:token\titem_id:token\trating:float\ttimestamp:float\n${lines((row) => row.join('\t'))}`,
    ],
    ['JSON lines', 'log.jsonl', json],
    ['CSV in gzip', 'log.csv.gz', gzipSync(`user_id,item_id,rating,timestamp\n${quoted(',')}`)],
    ['JSON lines in gzip, without its ending', 'log', gzipSync(json)],
    ['dates', 'log.csv', `user,item,rating,date\n${lines(([u, i, r, t]) => `${u},"${i}",${r},2020-01-01T00:${t}`)}`],
    [
      'dates in another form',
      'log.csv',
      `user,item,rating,date\n${lines(([u, i, r, t]) => `${u},"${i}",${r},${t}/2020 Jan`)}`,
      { timeFormat: '%M/%Y %b' },
    ],
  ])('reads %s', async (_, name, content, options) => {
    const { read } = await run([write(name, content)], options);
    expect(read).toBe(6);
    expect(sequences()).toEqual(SEQUENCES);
  });

  it.each(['', ' in gzip'])('reads Parquet%s, with its own types', async (packed) => {
    const rows = ROWS.map(([u, i, , t]) => `('${u}', '${i}', TIMESTAMP '2020-01-01 00:${t}:00')`).join(', ');
    const file = await parquet(at('log.parquet'), `SELECT * FROM (VALUES ${rows}) t(user_id, item_id, ts)`);
    await run([packed ? write('log.parquet.gz', gzipSync(readFileSync(file))) : file]);
    expect(sequences()).toEqual(SEQUENCES);
  });

  it('reads "user item" text in its own order, and keeps item ids that are 1..N already', async () => {
    await run([write('log.txt', '7 3\n7 1\n7 2\n5 1\n5 3\n5 2\n5 3\n')]);
    expect(sequences()).toEqual(['7: 3 1 2', '5: 1 3 2 3']);
    expect(text('items.csv')).toBe('id,original_id,title\n1,1,1\n2,2,2\n3,3,3\n');
    expect(text('test/input.txt')).toBe('3 1\n1 3 2\n');
  });

  it('reads files and globs in their order as one log: equal times keep it', async () => {
    write('b.csv', 'user,item,time\nu,2,1\nu,3,1\n');
    write('a.csv', 'user,item,time\nu,1,1\n');
    const last = write('z.jsonl', '{"user":"u","item":"0","time":1}\n');
    await run([last, at('[ab].csv')]);
    expect(sequences()).toEqual(['u: 0 1 2 3']);
  });

  it('takes no column for two: what is named the rating is not the time, and a plain id is not the item', async () => {
    await run([write('log.csv', 'u,a,5\nu,b,4\nu,c,3\n')], { ratingCol: '3' });
    expect(sequences()).toEqual(['u: a b c']);
    const file = write('ids.csv', 'id,user,gizmo\n1,u,a\n');
    await expect(run([file], { force: true })).rejects.toThrow(
      /hold the item; name one by --item-col: id, user, gizmo/,
    );
  });

  it('reads Latin-1 where told to', async () => {
    await run([write('log.csv', Buffer.from('user,item\nu,caf\xe9\nu,b\nu,c\n', 'latin1'))], { encoding: 'latin-1' });
    expect(sequences()).toEqual(['u: café b c']);
  });

  it('takes a file whose name is no glob though it looks like one', async () => {
    await run([write('log[1].csv', 'user,item\nu,1\nu,2\nu,3\n')]);
    expect(sequences()).toEqual(['u: 1 2 3']);
  });
});

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
    expect(dropped).toEqual({ rating: 1, duplicates: 0, tooFew: 0, unseen: 0 });
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
    expect(readdirSync(dir).sort()).toEqual(['log.txt', 'new.txt', 'out', 'precious']);
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
    expect(readdirSync(dir).sort()).toEqual(['log.txt', 'new.txt', 'out']);
  });

  it('says so when it cannot be written', async () => {
    const file = log();
    await expectInputError(run([file], { out: join(file, 'out') }), 'log.txt/out', 'not a directory');
    expect(existsSync(file)).toBe(true);
  });
});

describe('malformed input names file, line and value', () => {
  const HEADER = 'user,item,time,rating\nu,a,1,5\n\n"u","two\nlines",2,5\n';

  it.each<[string, string, Partial<ImportOptions>, string[]]>([
    [
      'a column that is not there',
      HEADER,
      { userCol: 'customer' },
      ['log.csv, line 1', '--user-col customer', 'user, item, time, rating'],
    ],
    ['no known column', 'who,item\nu,a\n', {}, ['log.csv, line 1', 'the user', '--user-col', 'who, item']],
    ['no rating', 'user,item\nu,a\n', { minRating: 3 }, ['log.csv, line 1', '--rating-col']],
    ['a column for both', HEADER, { userCol: 'item' }, ['line 1', 'item', 'at once']],
    ['a bad time', `${HEADER}u,b,soon,5\n`, {}, ['log.csv, line 6', '"soon" (time) is not a time']],
    ['a date among numbers', `${HEADER}u,b,2020-01-01,5\n`, {}, ['log.csv, line 6', '"2020-01-01"']],
    ['an empty time', `${HEADER}u,b,,5\n`, {}, ['log.csv, line 6', '"" (time)']],
    ['an infinite time', `${HEADER}u,b,inf,5\n`, {}, ['log.csv, line 6', '"inf"']],
    ['a day that is none', 'user,item,date\nu,a,2020-02-28\nu,b,2020-02-30\n', {}, ['line 3', '"2020-02-30"']],
    [
      'a time in another form',
      'user,item,date\nu,a,28.2.2020\n',
      { timeFormat: '%Y' },
      ['line 2', '"28.2.2020"', '%Y'],
    ],
    ['a bad rating', `${HEADER}u,b,3,good\n`, { minRating: 3 }, ['log.csv, line 6', '"good" (rating)', 'number']],
    ['an empty user id', `${HEADER},b,3,5\n`, {}, ['log.csv, line 6', 'user id (user) is empty']],
    ['a blank item id', `${HEADER}u," ",3,5\n`, {}, ['log.csv, line 6', 'item id (item) is empty']],
    ['a row too short', `${HEADER}u,b\nv,c,1,1\n`, {}, ['log.csv, line 6', '"u,b"', 'too few fields', '4']],
    ['a row too long', `${HEADER}u,b,3,5,6\n`, {}, ['log.csv, line 6', '"u,b,3,5,6"', 'too many']],
    ['a quote that never closes', `${HEADER}u,"b,3,5\n`, {}, ['log.csv, line 6', 'quote']],
    ['an empty file', '', {}, ['log.csv is empty']],
    ['only a header', 'user,item\n', {}, ['log.csv', 'no interactions']],
    ['one column', 'user\nu\n', {}, ['log.csv, line 1', '"user" is one column']],
    ['nothing left', HEADER, { minUserInteractions: 9 }, ['no interactions are left', '--min-user-interactions']],
    ['one item left', 'u,1\nv,1\n', {}, ['only one item']],
    ['no user long enough', 'user,item\nu,1\nu,2\n', {}, ['val part is empty', 'three interactions']],
    [
      'too many validation users',
      'user,item\nu,1\nu,2\nu,3\nu,4\n',
      { valUsers: 2 },
      ['--val-users 2', 'only 1 users'],
    ],
    ['no times to split by', 'user,item\nu,1\nu,2\n', { split: 'time', testFrom: '5' }, ['needs times', '--time-col']],
    ['a moment that is none', HEADER, { split: 'time', testFrom: 'later' }, ['--test-from later is not a time']],
    ['a moment outside the log', HEADER, { split: 'time', testFrom: '9' }, ['--test-from 9', 'later than 1', 'than 2']],
    ['a memory limit that is none', HEADER, { memoryLimit: 'lots' }, ['--memory-limit lots', '2GB']],
    ['a memory limit too small', HEADER, { memoryLimit: '100KB' }, ['--memory-limit 100KB is too small']],
  ])('%s', async (_, content, options, parts) => {
    await expectInputError(run([write('log.csv', content)], options), ...parts);
  });

  it.each<[string, string, string | Uint8Array, string[]]>([
    ['a JSON line that is none', 'log.jsonl', '{"user":1,"item":2}\n\n{"user":1,\n', ['log.jsonl, line 3']],
    [
      'a JSON line without a user',
      'log.jsonl',
      '{"user":1,"item":2}\n\n{"item":2}\n',
      ['log.jsonl, line 3', 'user id'],
    ],
    ['a first JSON line that is none', 'log.jsonl', '{user:1}\n', ['log.jsonl, line 1', 'not a JSON object']],
    ['a JSON array', 'log.json', '[{"user":1}]', ['log.json, line 1', 'JSON lines']],
    [
      'text that is not UTF-8',
      'log.csv',
      Buffer.from('user,item\nu,1\nu,caf\xe9\n', 'latin1'),
      ['log.csv, line 3', 'not UTF-8', 'latin-1'],
    ],
    [
      'a gzip that breaks off',
      'log.csv.gz',
      gzipSync('user,item\nu,1\n').subarray(0, -9),
      ['log.csv.gz', 'not a whole gzip'],
    ],
    [
      'a gzip with a flipped bit',
      'log.csv.gz',
      gzipSync('user,item\nu,1\n').map((byte, i) => (i === 14 ? byte ^ 16 : byte)),
      ['log.csv.gz', 'not a whole gzip'],
    ],
  ])('%s', async (_, name, content, parts) => {
    await expectInputError(run([write(name, content)]), at(parts[0]!), ...parts.slice(1));
  });

  it('a Parquet file that breaks off, and a row of one without an item', async () => {
    const file = await parquet(at('log.parquet'), "SELECT 'u' AS user, nullif(i, 7) AS item FROM range(20) t(i)");
    await expectInputError(run([file]), 'log.parquet, row 8', 'item id (item) is empty');
    await expectInputError(
      run([write('half.parquet', readFileSync(file).subarray(0, 200))]),
      'half.parquet cannot be read',
    );
  });

  it('files that are not there', async () => {
    await expectInputError(run([at('no.csv')]), 'there is no file', 'no.csv');
    await expectInputError(run([at('*.csv')]), 'no file matches', '*.csv');
    await expectInputError(run([dir]), 'is a folder', '*.csv');
    await expectInputError(run([]), 'name the files');
  });

  it('titles', async () => {
    const log = write('log.txt', 'u a\nu b\nu c\n');
    const titles = write('items.csv', 'code,title\na,A\nb\n');
    await expectInputError(run([log], { titles: { file: titles } }), 'items.csv, line 3', 'too few');
    await expectInputError(
      run([log], { titles: { file: titles, titleCol: 'text' } }),
      'items.csv, line 1',
      '--title-col text',
    );
    await expectInputError(run([log], { titles: { file: at('no.csv') } }), 'there is no file', 'no.csv');
  });

  it('files of different kinds of time', async () => {
    const files = [write('a.csv', 'user,item,time\nu,1,1\n'), write('b.csv', 'user,item,time\nu,1,2020-01-01\n')];
    await expectInputError(run(files), 'b.csv has dates', 'times as numbers');
  });
});
