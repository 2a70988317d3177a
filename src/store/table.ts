import { closeSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { GsasError, InputError } from '../base/errors.js';
import { optionalPackage } from '../base/optional.js';
import { isFolder } from './files.js';

/** A column of a table: its name and DuckDB's name of its type. */
export interface Column {
  readonly name: string;
  readonly type: 'UINTEGER' | 'FLOAT' | 'DOUBLE' | 'VARCHAR';
}

/** A value for each column; null for none. */
export type Row = readonly (number | string | null)[];

/** What DuckDB's COPY writes, by the file's ending. */
const FORMATS: Readonly<Record<string, string>> = {
  '.csv': 'FORMAT csv, HEADER',
  '.jsonl': 'FORMAT json',
  '.ndjson': 'FORMAT json',
  '.parquet': 'FORMAT parquet, COMPRESSION zstd',
};

/** Throws an InputError unless `file` can be a table. Call it before the work whose results go into it. */
export function checkTableFile(file: string): void {
  if (!FORMATS[extname(file).toLowerCase()]) {
    throw new InputError(`${file}: a table is written as .csv, .parquet or .jsonl; give the name one of these endings`);
  }
  const folder = dirname(resolve(file));
  if (!isFolder(folder)) throw new InputError(`${file}: there is no folder ${folder}; make it first`);
  if (isFolder(file)) throw new InputError(`${file} is a folder; name a file`);
}

/**
 * Writes a table as CSV, Parquet or JSON lines, by the ending of its name, whole or not at all. Rows are collected in a database in a temporary file
 * beside it, so memory hardly grows with them, and the finished table gets its name in one rename.
 * @returns the number of rows
 * @throws InputError for another ending; GsasError if it cannot be written; whatever `batches` throws
 */
export async function writeTable(
  file: string,
  columns: readonly Column[],
  batches: AsyncIterable<readonly Row[]> | Iterable<readonly Row[]>,
): Promise<number> {
  checkTableFile(file);
  const { DuckDBDataChunk, DuckDBInstance, DOUBLE, FLOAT, UINTEGER, VARCHAR } = await optionalPackage(
    () => import('@duckdb/node-api'),
    '@duckdb/node-api',
    'writing a table',
  );
  const types = columns.map(({ type }) => ({ DOUBLE, FLOAT, UINTEGER, VARCHAR })[type]);
  const temporary = join(dirname(resolve(file)), `.${basename(file)}.${process.pid}.tmp`);
  const database = `${temporary}.duckdb`;
  const quote = (name: string) => `"${name.replaceAll('"', '""')}"`;
  let rows = 0;
  try {
    const instance = await writing(file, () => DuckDBInstance.create(database, { memory_limit: MEMORY }));
    try {
      const connection = await instance.connect();
      await connection.run(
        `CREATE TABLE rows (${columns.map(({ name, type }) => `${quote(name)} ${type}`).join(', ')})`,
      );
      const appender = await connection.createAppender('rows');
      const chunk = DuckDBDataChunk.create(types); // one for all: the garbage collector does not see its memory outside the heap
      for await (const batch of batches) {
        for (let at = 0; at < batch.length; at += CHUNK) {
          chunk.reset();
          chunk.setRows(batch.slice(at, at + CHUNK).map((row) => [...row]));
          appender.appendDataChunk(chunk);
        }
        rows += batch.length;
      }
      await writing(file, async () => {
        appender.closeSync();
        const format = FORMATS[extname(file).toLowerCase()];
        await connection.run(`COPY rows TO '${temporary.replaceAll("'", "''")}' (${format})`);
      });
      connection.closeSync();
    } finally {
      instance.closeSync();
    }
    await writing(file, async () => {
      syncFile(temporary);
      renameSync(temporary, file);
    });
    return rows;
  } finally {
    for (const left of [temporary, database, `${database}.wal`]) rmSync(left, { force: true });
  }
}

/** DuckDB's memory limit. Its default is most of the machine's memory. */
const MEMORY = '256MB';

/** Rows in a chunk of DuckDB's. */
const CHUNK = 2048;

async function writing<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new GsasError(`${file}: cannot be written: ${(error as Error).message.split('\n')[0]}`, { cause: error });
  }
}

function syncFile(file: string): void {
  const fd = openSync(file, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
