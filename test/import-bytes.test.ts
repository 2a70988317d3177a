import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { gsas, MAIN, type Outcome, start, startGsas } from './support/command.js';
import { expectMistake } from './support/output.js';
import { parquet } from './support/parquet.js';
import { scratchFolder } from './support/scratch.js';

const at = scratchFolder('each test');

function write(name: string, content: string | Uint8Array): string {
  writeFileSync(at(name), content);
  return name;
}

const run = (...args: string[]) => gsas(at(), 'data', 'import', ...args);

async function imported(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await run(...args, '--out', 'out');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

const text = (name: string) => readFileSync(at('out', name), 'utf8');
/** The log's ids of the items, in the order of their numbers. */
const items = () =>
  text('items.csv')
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => line.split(',')[1]);

const LOG = 'user,item,time\nu,café,1500000000\nu,b€ta,1500000001\nu,c,1500000002\n';
const ITEMS = ['café', 'b€ta', 'c'];
const windows1252 = (content: string) => Buffer.from(content.replaceAll('€', '\x80'), 'latin1');

describe('encodings', () => {
  it.each<[string, Uint8Array, string]>([
    [
      'Windows-1252',
      windows1252(LOG),
      'log.csv, line 2: "u,café,1500000000" is not UTF-8, so the file is read as Windows',
    ],
    ['UTF-16 with its mark', Buffer.from(`\ufeff${LOG}`, 'utf16le'), 'read as UTF-16LE'],
    ['UTF-16 without it', Buffer.from(LOG, 'utf16le'), 'read as UTF-16LE'],
    ['big-endian UTF-16', Buffer.from(`\ufeff${LOG}`, 'utf16le').swap16(), 'read as UTF-16BE'],
  ])('recognises %s by its bytes, and says so', async (_, content, note) => {
    write('log.csv', content);
    expect(await imported('log.csv')).toContain(note);
    expect(items()).toEqual(ITEMS);
  });

  it('asks for the encoding of what is neither UTF-8 nor Windows-1252', async () => {
    // "Привет" and "Москва" in Windows-1251.
    const words = ['cff0e8e2e5f2', 'cceef1eae2e0'].map((hex) => Buffer.from(hex, 'hex').toString('latin1'));
    write(
      'log.csv',
      Buffer.from(`user,item,time\n${words.map((word, i) => `u,${word},${i}\n`).join('')}u,c,9\n`, 'latin1'),
    );
    expectMistake(await run('log.csv', '--out', 'out'), 'log.csv, line 2', 'name its --encoding, such as windows-1251');
    await imported('log.csv', '--encoding', 'windows-1251');
    expect(items()).toEqual(['Привет', 'Москва', 'c']);
  });

  it('refuses a file of two encodings, and reads each line as what it is where told to', async () => {
    write('log.csv', Buffer.concat([Buffer.from(LOG), windows1252('u,café,1500000003\n')]));
    expectMistake(await run('log.csv', '--out', 'out'), 'log.csv, line 5', 'but line 2 is', '--encoding mixed');
    await imported('log.csv', '--encoding', 'mixed');
    expect(items()).toEqual(ITEMS);
    expectMistake(await run('log.csv', '--out', 'new', '--encoding', 'klingon'), '--encoding "klingon" is not known');
    expectMistake(await run('log.csv', '--out', 'new', '--encoding', 'utf-8'), 'log.csv, line 5', 'is not UTF-8');
  });

  it('names file and line of a number that is not UTF-8', async () => {
    write('log.csv', Buffer.from('user,item,rating\nu,a,1\nu,b,\xe93\nu,c,2\n', 'latin1'));
    expectMistake(await run('log.csv', '--out', 'out', '--min-rating', '1'), 'log.csv, line 3: "é3" (rating) is not a');
    write('log.tsv', Buffer.from('u\ta\t\xff\xfe\nu\tb\t1\nu\tc\t2\n', 'latin1'));
    expectMistake(
      await run('log.tsv', '--out', 'out', '--time-col', '3', '--no-header'),
      'log.tsv, line 1',
      '"ÿþ" (column 3) is not a time',
    );
  });

  it('refuses a text with zero bytes', async () => {
    write('log.csv', 'user,item\nu,a\nu,b\0c\n');
    expectMistake(await run('log.csv', '--out', 'out'), 'log.csv, line 3 holds a zero byte');
  });
});

describe('line ends', () => {
  const log = ['user,item,time', 'u,a,1500000000', 'u,b,1500000001', 'u,c,1500000002', 'u,d,x'];

  it.each([
    ['LF, then CRLF', (i: number) => (i % 2 ? '\r\n' : '\n')],
    ['CRLF, then LF', (i: number) => (i === 0 ? '\r\n' : '\n')],
    ['CR', () => '\r'],
  ])('%s in one file are read, and lines are counted right', async (_, end) => {
    write('log.csv', log.map((line, i) => line + end(i)).join(''));
    expectMistake(await run('log.csv', '--out', 'out'), 'log.csv, line 5: "x" (time)');
    write(
      'log.csv',
      log
        .slice(0, 4)
        .map((line, i) => line + end(i))
        .join(''),
    );
    await imported('log.csv');
    expect(items()).toEqual(['a', 'b', 'c']);
  });
});

describe('what is no log', () => {
  it.each<[string, Uint8Array, string]>([
    ['a zip archive', Buffer.from('PK\x03\x04\x14\0\0\0', 'latin1'), 'log.csv is a zip archive; unpack it'],
    [
      'an Excel workbook',
      Buffer.from('PK\x03\x04\x14\0\0\0[Content_Types].xml', 'latin1'),
      'is an Excel workbook; save',
    ],
    ['zstd', Buffer.from('28b52ffd04', 'hex'), 'log.csv is packed by zstd'],
    ['a page', Buffer.from('<!DOCTYPE html>\n<html>a,b\n'), 'log.csv, line 1 is a page of HTML or XML'],
  ])('%s is called by its name', async (_, content, message) => {
    write('log.csv', content);
    expectMistake(await run('log.csv', '--out', 'out'), message);
  });

  it('lists and objects are no ids', async () => {
    await parquet(at('log.parquet'), "SELECT 'u' AS user, [i, i] AS item FROM range(5) t(i)");
    expectMistake(await run('log.parquet', '--out', 'out'), 'log.parquet: column item holds lists or objects');
    write('log.jsonl', '{"user":{"id":1},"item":"a"}\n{"user":{"id":2},"item":"b"}\n');
    expectMistake(await run('log.jsonl', '--out', 'out'), 'column user holds lists or objects', '--user-col user.KEY');
    write('later.jsonl', '{"user":1,"item":"a"}\n{"user":1,"item":"[b"}\n{"user":1,"item":["c"]}\n');
    expectMistake(await run('later.jsonl', '--out', 'out'), 'later.jsonl, line 3', 'a list or an object');
    write('log.csv', 'user,item\nu,"[1, 2]"\nv,"[3]"\n');
    expectMistake(await run('log.csv', '--out', 'out'), 'log.csv: column item holds lists');
  });
});

describe('quotes that are data', () => {
  it('name the flag that reads them', async () => {
    write('log.tsv', 'user\titem\nu\t"Heroes" (1977)\nu\tb\nu\t5" nail\n');
    expectMistake(await run('log.tsv', '--out', 'out'), 'log.tsv, line 2', '--no-quotes');
    await imported('log.tsv', '--no-quotes');
    expect(text('items.csv')).toContain('1,"""Heroes"" (1977)"');
  });
});

describe('ids and titles', () => {
  it('spaces after commas and ids that pandas made floats match their titles', async () => {
    write('log.csv', 'user, item, time\nu, 12.0, 1500000000\nu, 13.0, 1500000001\nu, 14.0, 1500000002\n');
    write('items.csv', 'id, title\n12, Twelve\n 13 ,"Thirteen"\n14,Fourteen\n');
    expect(await imported('log.csv', '--items', 'items.csv')).toContain(
      'note: item ids such as 12.0 are taken for whole',
    );
    expect(text('items.csv')).toBe('id,original_id,title,age_days\n1,12,Twelve,0\n2,13,Thirteen,0\n3,14,Fourteen,0\n');
  });

  it('titles of other items are refused with an example of both', async () => {
    write('log.csv', 'user,item\nu,a\nu,b\nu,c\n');
    write('items.csv', 'id,title\n12,Twelve\n13,Thirteen\n');
    const outcome = await run('log.csv', '--items', 'items.csv', '--out', 'out');
    expectMistake(outcome, 'items.csv has a title for no item of the log', '"12"', '"a"', '--item-id-col');
  });

  it('a column that is there twice is asked for by its number', async () => {
    write('log.csv', 'user,item,item\nu,a,1\nu,b,2\nu,c,3\n');
    expectMistake(await run('log.csv', '--out', 'out'), 'several columns are named item', '--item-col 2');
    await imported('log.csv', '--user-col', '1', '--item-col', '3');
    expect(items()).toEqual(['1', '2', '3']);
  });
});

describe('rows without a user or an item', () => {
  it('stop the import, or are left out where told to', async () => {
    write('log.csv', 'user,item\nu,a\n,b\nu,c\nu,\nu,b\n');
    expectMistake(await run('log.csv', '--out', 'out'), 'log.csv, line 3: the user id (user)', '--drop-incomplete');
    expect(await imported('log.csv', '--drop-incomplete')).toContain('left out: 2 without a user or an item\n');
    expect(items()).toEqual(['a', 'c', 'b']);
  });
});

describe('event logs', () => {
  const log =
    'ts,visitor,event,item\n1500000000,u,view,a\n1500000001,u,search,\n1500000002,u,buy,b\n1500000003,u,view,c\n1500000004,u,buy,a\n';

  it('count the kinds that are named', async () => {
    write('log.csv', log);
    expectMistake(await run('log.csv', '--out', 'out'), 'log.csv, line 3: the item id (item) is empty', '--events');
    expect(await imported('log.csv', '--events', 'view, buy')).toContain('left out: 1 events of other kinds');
    expect(items()).toEqual(['a', 'b', 'c']);
    expectMistake(await run('log.csv', '--out', 'new', '--events', 'sell'), '--events "sell"', '"buy" (2), "view" (2)');
    expectMistake(await run('log.csv', '--out', 'new', '--event-col', 'event'), '--event-col event goes with --events');
    write('named.csv', log.replace('event', 'what'));
    await imported('named.csv', '--events', 'view,buy', '--event-col', 'what', '--force');
  });

  it('say so where several kinds all count', async () => {
    write('log.csv', log.replace('search,', 'search,d'));
    expect(await imported('log.csv')).toContain('note: log.csv: event tells events apart ("view", "search", "buy")');
  });
});

describe('JSON', () => {
  it.each(['[%]', '%'])('reads %s with keys inside objects', async (form) => {
    const rows = ['a', 'b', 'c'].map((id, i) =>
      JSON.stringify({ user: { id: 7 }, item: { 'the.id': id, id }, ts: 1.5e9 + i }),
    );
    write('log.json', form.replace('%', rows.join(form === '%' ? '\n' : ',\n')));
    await imported('log.json', '--user-col', 'user.id', '--item-col', 'item.id');
    expect(items()).toEqual(['a', 'b', 'c']);
    expect(text('users.csv')).toBe('id,original_id\n1,7\n');
  });

  it('reads a field inside a struct of Parquet', async () => {
    await parquet(at('log.parquet'), "SELECT {'id': 'u'} AS user, 'i' || i AS item, i AS time FROM range(5) t(i)");
    await imported('log.parquet', '--user-col', 'user.id');
    expect(text('users.csv')).toBe('id,original_id\n1,u\n');
  });

  it('finds keys that the first object lacks', async () => {
    write('log.jsonl', '{"user":1,"item":"a"}\n{"user":1,"item":"b","ts":2}\n');
    expectMistake(await run('log.jsonl', '--out', 'out'), 'log.jsonl, line 1: "" (ts) is not a time');
  });
});

describe('a sequence a line', () => {
  it('is recognised, and a line of a user alone refused', async () => {
    write('log.txt', '7 a b c\n8 b a\n9 c a b a\n');
    expect(await imported('log.txt')).toContain(
      'log.txt: a sequence a line, a user and then their items, oldest first',
    );
    expect(text('users.csv')).toBe('id,original_id\n1,7\n2,8\n3,9\n');
    expect(text('test/input.txt')).toBe('1 2\n3 1 2\n');
    write('short.txt', '7 a b c\n8\n\n9 c a b\n');
    expectMistake(await run('short.txt', '--out', 'new', '--sequences'), 'short.txt, line 2: a user without items');
  });

  it('is told from pairs with a word too many, and taken where lines are of one length', async () => {
    write('log.txt', '1 a\n1 b\n1 c d\n2 a\n');
    expectMistake(await run('log.txt', '--out', 'out'), 'log.txt, line 3', 'too many fields', '--sequences');
    write('long.txt', `1 ${'a b c '.repeat(1e5)}\n2 a b c\n`);
    expectMistake(await run('long.txt', '--out', 'out'), 'long.txt, line 1 is too long', '--sequences');
    write('same.csv', '1,a,b,c\n2,b,c,a\n');
    await imported('long.txt', '--sequences');
    expect(text('test/output.txt')).toBe('3\n3\n');
    await imported('same.csv', '--sequences', '--force');
    expect(text('test/output.txt')).toBe('3\n1\n');
  });
});

describe('pipes', () => {
  const bash = (command: string) =>
    start('bash', ['-c', command.replaceAll('gsas', `"${process.execPath}" "${MAIN}"`)], at());
  const left = () => readdirSync(at()).filter((name) => name.startsWith('.') || name === 'out');

  it.each([
    'gsas data import <(cat log.csv) --out out',
    'gsas data import <(gzip -c log.csv) --out out',
    'cat log.csv | gsas data import - --out out',
    'gsas data import /dev/stdin --out out < log.csv.gz',
    'mkfifo pipe; cat log.csv > pipe & gsas data import pipe --out out',
  ])('%s', async (command) => {
    write('log.csv', LOG);
    write('log.csv.gz', gzipSync(LOG));
    const { status, stderr } = await bash(command).ended;
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(items()).toEqual(ITEMS);
  });

  it('takes a socket for the standard input, as a program gives it', async () => {
    const child = spawn(process.execPath, [MAIN, 'data', 'import', '-', '--out', 'out'], {
      cwd: at(),
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    child.stdin.end(LOG);
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(0);
    expect(items()).toEqual(ITEMS);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)(
    '%s ends an import that waits for a pipe, and nothing is left',
    async (signal) => {
      await start('mkfifo', ['pipe'], at()).ended;
      const importing = startGsas(at(), 'data', 'import', 'pipe', '--out', 'out');
      while (left().length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
      await new Promise((resolve) => setTimeout(resolve, 300));
      importing.signal(signal);
      expect(await importing.ended).toEqual({
        status: signal === 'SIGINT' ? 130 : 143,
        stdout: '',
        stderr: 'stopped; nothing is left behind\n',
      } satisfies Outcome);
      expect(left()).toEqual([]);
    },
  );
});
