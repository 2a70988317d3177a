import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, it } from 'vitest';
import type { ImportOptions } from '../src/ingest/options.js';
import { importFolder } from './support/import.js';
import { parquet } from './support/parquet.js';

const { at, write, run, expectInputError } = importFolder();

describe('malformed input names file, line and value', () => {
  const HEADER = 'user,item,time,rating\nu,a,1,5\n\n"u","two\nlines",2,5\n';

  it.each<[string, string, Partial<ImportOptions>, string[]]>([
    [
      'a column that is not there',
      HEADER,
      { userCol: 'customer' },
      ['log.csv, line 1', '--user-col customer', 'user, item, time, rating'],
    ],
    ...(['user', 'item', 'time', 'rating'] as const).map((role): [string, string, Partial<ImportOptions>, string[]] => [
      `the ${role} column named in a file without a header`,
      'u,7,1,5\nu,8,2,4\n',
      { [`${role}Col`]: 'foo' },
      ['log.csv, line 1', `--${role}-col foo: there is no such column`, 'columns 1 to 4, numbered', 'has no header'],
    ]),
    [
      'of several the first that is not there',
      HEADER,
      { timeCol: 'time', itemCol: 'x', ratingCol: 'y' },
      ['--item-col x'],
    ],
    ['a name beside columns that nothing tells', 'who,what\nu,a\n', { timeCol: 'foo' }, ['--time-col foo']],
    ['a number beyond the columns', 'u,7,1\n', { timeCol: '4' }, ['--time-col 4', 'columns 1 to 3']],
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
    [
      'a JSON array that breaks off',
      'log.json',
      '[{"user":1,"item":2},\n{"user":1,"ite',
      ['log.json cannot be read', 'near record', 'unexpected end'],
    ],
    ['a JSON array of others', 'log.json', '[1,2]', ['log.json']],
    [
      'text that is not UTF-8',
      'log.csv',
      Buffer.concat([Buffer.from('user,item\nu,café\n'), Buffer.from('u,caf\xe9\n', 'latin1')]),
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
    await expectInputError(run([write(name, content)]), at(parts[0]), ...parts.slice(1));
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
    await expectInputError(run([at()]), 'is a folder', '*.csv');
    await expectInputError(run([]), 'name the files');
  });

  it.each<[Record<string, unknown>, string[]]>([
    [{ usrCol: 'who' }, ['unknown option of an import', 'usrCol', 'userCol']],
    [{ files: 'log.csv' }, ['files is "log.csv"', 'a list of texts']],
    [{ split: 'random' }, ['split is "random"', 'leave-one-out, time, given']],
    [{ duplicates: null }, ['duplicates is null']],
    [{ minRating: '3' }, ['minRating is "3"', 'a number']],
    [{ minUserInteractions: Number.NaN }, ['minUserInteractions is NaN', 'an integer, at least 1']],
    [{ valSeed: -1, valUsers: 1 }, ['valSeed is -1', 'at least 0']],
    [{ userCol: 1 }, ['userCol is 1', 'a text']],
    [{ header: 'no' }, ['header is "no"', 'true or false']],
    [{ titles: 'items.csv' }, ['titles is "items.csv"', 'an object']],
    [{ titles: { file: 'items.csv', col: '1' } }, ['unknown option of titles', 'col']],
    [{ out: undefined }, ['out is missing']],
  ])('options that no compiler has checked: %j', async (options, parts) => {
    await expectInputError(run([write('log.csv', 'user,item\nu,a\n')], options), ...parts);
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
