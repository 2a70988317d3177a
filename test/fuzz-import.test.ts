import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Database } from '../src/ingest/database.js';
import { type LogOptions, readLog } from '../src/ingest/log.js';
import { readItemTitles } from '../src/ingest/titles.js';
import { anyText, fuzz, lineOf, mutated } from './support/fuzz.js';
import { parquet } from './support/parquet.js';
import { scratchFolder } from './support/scratch.js';

const at = scratchFolder();

let db: Database;
/** The last line that refused a file. */
let refused = '';

/** How many files one database reads. It keeps memory of tables that were dropped. */
const FILES = 250;
let files = 0;

/** DuckDB has to be opened again after an internal error. */
async function open(): Promise<void> {
  files = 0;
  db?.close();
  rmSync(at('work'), { recursive: true, force: true });
  mkdirSync(at('work'));
  db = await Database.open(at('work'), { memoryLimit: '100MB' });
}

beforeAll(open);
afterAll(() => db.close());

interface Row {
  readonly user: string;
  readonly item: string;
  readonly time: number;
}

/** Runs a reader of files. @returns what it put into a table, or undefined if it refuses in one line that names the file */
async function rowsOf<R extends object>(
  file: string,
  read: () => Promise<unknown>,
  query: string,
): Promise<R[] | undefined> {
  if (++files > FILES) await open();
  try {
    await read();
    return await db.rows<R>(query);
  } catch (error) {
    refused = lineOf(error);
    expect(refused).toContain(at(file));
    if (/^(INTERNAL|FATAL)/.test(String((error as Error & { cause?: Error }).cause?.message))) await open();
    return undefined;
  } finally {
    for (const table of ['log', 'titles', 'all_titles', 'reject_errors', 'reject_scans'])
      await db.run(`DROP TABLE IF EXISTS ${table}`);
  }
}

/** Reads a file as a log: complete interactions, or one line. */
async function read(name: string, content: Uint8Array | string, options: Partial<LogOptions> = {}) {
  writeFileSync(at(name), content);
  const rows = await rowsOf<Row>(
    name,
    () => readLog(db, [[at(name)]], { ...options, folder: at('work') }),
    'SELECT user, item, time FROM log ORDER BY rowid',
  );
  for (const { user, item, time } of rows ?? []) {
    // Not even a byte order mark, which DuckDB's driver drops.
    for (const id of [user, item]) expect(id).not.toMatch(/^\p{Zs}+$/u);
    expect(Number.isFinite(Number(time))).toBe(true);
  }
  return rows;
}

const ROWS = ['u,a', 'v,b', 'u,"x, y"', 'v,"said ""no"""', 'u,c', 'v,a', 'u,b'].map(
  (row, i) => `${row},${1_500_000_000 + i},${(i % 5) + 1}\n`,
);
const CSV = `user,item,time,rating\n${ROWS.join('')}`;
const PLAIN = ['u a', 'v b', 'u c', 'v a', 'u b', 'v c'];
const timed = (join: string) =>
  PLAIN.map((row, i) => `${row.replace(' ', join)}${join}${(i % 5) + 1}${join}${1_500_000_000 + i}\n`).join('');
const OBJECTS = PLAIN.map((row, i) => JSON.stringify({ user: row[0], item: { id: row[2] }, ts: 1.5e9 + i, tags: [i] }));

describe('a log with faults', () => {
  it.each<[string, readonly (string | Uint8Array)[], Partial<LogOptions>?]>([
    [
      'log.csv',
      [CSV, CSV.replaceAll('\n', '\r\n'), Buffer.from(CSV.replaceAll(',a', ',ä'), 'latin1')],
      { minRating: 1 },
    ],
    ['wide.csv', [Buffer.from(`\ufeff${CSV.replaceAll('a', 'ä')}`, 'utf16le')]],
    ['log.csv.gz', [gzipSync(CSV)]],
    ['log.dat', [timed('::'), timed('\t')], { minRating: 1 }],
    ['log.inter', [`user_id:token\titem_id:token\trating:float\ttimestamp:float\n${timed('\t')}`]],
    ['log.txt', [`${PLAIN.join('\n')}\n`, '7 a b c\n8 b a\n9 c a b a\n']],
    ['log.json', [OBJECTS.join('\n'), `[${OBJECTS.join(',\n')}]`], { itemCol: 'item.id' }],
  ])('%s is read or refused in one line', async (name, originals, options) => {
    for (const original of originals) expect(await read(name, original, options)).toBeDefined();
    const faulty = fc.oneof(...originals.map((original) => mutated(Buffer.from(original))));
    await fuzz(faulty, async (content) => {
      await read(name, content, options);
    });
  });

  it('Parquet is read or refused in one line', async () => {
    const times = "TIMESTAMP '2020-01-01' + to_seconds(i)";
    const query = `SELECT 'u' || i % 3 AS user, 'i' || i AS item, ${times} AS time FROM range(50) t(i)`;
    const original = readFileSync(await parquet(at('original.parquet'), query));
    expect(await read('log.parquet', original)).toHaveLength(50);
    await fuzz(mutated(original), async (content) => {
      await read('log.parquet', content);
    });
  });

  it('titles are read or refused in one line', async () => {
    const original = Buffer.from('code,title\na,"Anna, ""the"" first"\nb,Bert\nc,Cäsar\n');
    await fuzz(mutated(original), async (content) => {
      writeFileSync(at('items.csv'), content);
      const titles = await rowsOf<{ original: string; title: string }>(
        'items.csv',
        () => readItemTitles(db, { file: at('items.csv') }, at('work')),
        'FROM titles',
      );
      for (const { original, title } of titles ?? []) expect(original !== '' && title !== '').toBe(true);
    });
  });
});

it('a text of anything is read or refused in one line', async () => {
  const line = fc.array(anyText, { minLength: 1, maxLength: 5 });
  const delimiter = fc.constantFrom(',', '\t', ' ', ';', '::', '","');
  await fuzz(fc.tuple(fc.array(line, { maxLength: 8 }), delimiter, fc.boolean()), async ([lines, sign, known]) => {
    const header = known ? ['user', 'item', 'time'].join(sign) : '';
    await read('log.csv', [header, ...lines.map((fields) => fields.join(sign))].join('\n'));
  });
});

describe('a log of any ids comes out as it went in', () => {
  /** Not empty, without spaces around it, and with one kind of line end. */
  const id = fc
    .oneof(anyText, fc.constantFrom('1', '12.0', 'a', '[', '{}', '""', "'", 'é', '\u3000'))
    .map((text) => text.replace(/[\0\r\ufeff\p{Cs}]/gu, '').replace(/^\p{Zs}+|\p{Zs}+$/gu, ''))
    .filter((text) => text !== '');
  const row = fc.record({ user: id, item: id, time: fc.integer({ min: 0, max: 9 }) });
  const rows = fc.array(row, { minLength: 1, maxLength: 24 });
  const quote = (text: string) => `"${text.replaceAll('"', '""')}"`;

  it.each<[string, (rows: readonly Row[]) => string]>([
    [
      'CSV',
      (all) => `user,item,time\n${all.map((one) => `${quote(one.user)},${quote(one.item)},${one.time}\n`).join('')}`,
    ],
    ['JSON lines', (all) => all.map((one) => JSON.stringify(one)).join('\n')],
    ['JSON array', (all) => JSON.stringify(all)],
  ])('%s', async (format, write) => {
    await fuzz(rows, async (all) => {
      const found = await read(format === 'CSV' ? 'log.csv' : 'log.json', write(all));
      // Lists and objects are not ids, and a text in JSON that looks like one counts as one.
      const lists = all.some(({ user, item }) => /^\s*[[{]/.test(user) || /^\s*[[{]/.test(item));
      if (found === undefined) expect(lists, refused).toBe(true);
      else expect(found).toEqual(all);
    });
  });
});
