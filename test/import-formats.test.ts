import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { ImportOptions } from '../src/ingest/options.js';
import { importFolder, lines, ROWS, YEAR } from './support/import.js';
import { parquet } from './support/parquet.js';

const { at, write, run, text, sequences } = importFolder();

/** The dataset that every form of the small log becomes. */
const SEQUENCES = ['bob: b a c', 'alice: a x,1 b'];
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
    [
      'dates',
      'log.csv',
      `user,item,rating,date\n${lines(([u, i, r, t]) => `${u},"${i}",${r},2020-01-01T00:${Number(t) - YEAR}`)}`,
    ],
    [
      'dates in another form',
      'log.csv',
      `user,item,rating,date\n${lines(([u, i, r, t]) => `${u},"${i}",${r},${Number(t) - YEAR}/2020 Jan`)}`,
      { timeFormat: '%M/%Y %b' },
    ],
  ])('reads %s', async (_, name, content, options) => {
    const { read } = await run([write(name, content)], options);
    expect(read).toBe(6);
    expect(sequences()).toEqual(SEQUENCES);
  });

  it.each(['', ' in gzip'])('reads Parquet%s, with its own types', async (packed) => {
    const rows = ROWS.map(([u, i, , t]) => `('${u}', '${i}', TIMESTAMP '2020-01-01 00:${Number(t) - YEAR}:00')`).join(
      ', ',
    );
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

  it('takes a number for a column, not for what the first line of a log without a header holds', async () => {
    await run([write('log.txt', '2 1\n2 3\n2 4\n')], { userCol: '1', itemCol: '2' });
    expect(sequences()).toEqual(['2: 1 3 4']);
  });

  it('reads Latin-1 where told to', async () => {
    await run([write('log.csv', Buffer.from('user,item\nu,caf\xe9\nu,b\nu,c\n', 'latin1'))], { encoding: 'latin-1' });
    expect(sequences()).toEqual(['u: café b c']);
  });

  it.each([
    ['dates', '2024-03-01', '2024-03-03T12:00', '2024-03-10', '2024-03-11T00:00'],
    ['milliseconds', ...[0, 2.5, 9, 10].map((day) => String(1_709_251_200_000 + 86_400_000 * day))],
  ])('tells the age of items at the end of a log with times: %s', async (_, ...times) => {
    const rows = ['u,a', 'u,b', 'u,c', 'v,a'].map((ids, i) => `${ids},${times[i]}\n`);
    await run([write('log.csv', `user,item,time\n${rows.join('')}`)]);
    expect(text('items.csv')).toBe('id,original_id,title,age_days\n1,a,a,10\n2,b,b,7\n3,c,c,1\n');
  });

  it('tells no age where times only count', async () => {
    await run([write('log.csv', 'user,item,time\nu,a,1\nu,b,20000000\nu,c,90000000\n')]);
    expect(text('items.csv')).toBe('id,original_id,title\n1,a,a\n2,b,b\n3,c,c\n');
  });

  it('takes a file whose name is no glob though it looks like one', async () => {
    await run([write('log[1].csv', 'user,item\nu,1\nu,2\nu,3\n')]);
    expect(sequences()).toEqual(['u: 1 2 3']);
  });
});
