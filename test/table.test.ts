import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, it } from 'vitest';
import { InputError } from '../src/base/errors.js';
import { type Column, type Row, writeTable } from '../src/store/table.js';
import { scratchFolder } from './support/scratch.js';

const COLUMNS: Column[] = [
  { name: 'user', type: 'UINTEGER' },
  { name: 'score@10', type: 'DOUBLE' },
  { name: 'title', type: 'VARCHAR' },
];
const ROWS: Row[] = [
  [1, 0.25, 'Toy Story (1995)'],
  [2, -1.5, 'a "quoted", one'],
  [4294967295, 1e-9, null],
];

const at = scratchFolder('each test');

describe('writeTable', () => {
  it('writes CSV', async () => {
    const file = at("it's.csv");
    expect(await writeTable(file, COLUMNS, [ROWS])).toBe(3);
    expect(readFileSync(file, 'utf8')).toBe(
      'user,score@10,title\n1,0.25,Toy Story (1995)\n2,-1.5,"a ""quoted"", one"\n4294967295,1e-09,\n',
    );
    expect(readdirSync(at())).toEqual(["it's.csv"]);
  });

  it('writes JSON lines', async () => {
    const file = at('out.jsonl');
    await writeTable(file, COLUMNS, [ROWS.slice(0, 1), [], ROWS.slice(1)]);
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    expect(lines.map((line) => Object.values(JSON.parse(line)))).toEqual(ROWS);
  });

  it('writes Parquet, in order, more rows than a chunk holds', async () => {
    const file = at('out.parquet');
    const many: Row[] = Array.from({ length: 5001 }, (_, i) => [i, i / 8, i % 2047 === 5 ? null : `item ${i}`]);
    const batches = async function* () {
      yield many.slice(0, 4999);
      yield many.slice(4999);
    };
    expect(await writeTable(file, COLUMNS, batches())).toBe(5001);
    const connection = await (await DuckDBInstance.create()).connect();
    const read = await connection.runAndReadAll(`SELECT * FROM '${file}'`);
    expect(read.columnNames()).toEqual(COLUMNS.map(({ name }) => name));
    expect(read.getRows()).toEqual(many);
    connection.closeSync();
  });

  it('leaves the old file and nothing else where the rows break off', async () => {
    const file = at('out.csv');
    writeFileSync(file, 'old');
    const batches = async function* () {
      yield ROWS;
      throw new Error('broken');
    };
    await expect(writeTable(file, COLUMNS, batches())).rejects.toThrow('broken');
    expect(readdirSync(at())).toEqual(['out.csv']);
    expect(readFileSync(file, 'utf8')).toBe('old');
  });

  it.each([
    ['another ending', 'out.xlsx', '.csv, .parquet or .jsonl'],
    ['a folder that is not there', 'absent/out.csv', 'there is no folder'],
  ])('refuses %s', async (_, name, expected) => {
    const writing = writeTable(at(name), COLUMNS, [ROWS]);
    await expect(writing).rejects.toThrow(InputError);
    await expect(writing).rejects.toThrow(expected);
    expect(readdirSync(at())).toEqual([]);
  });
});
