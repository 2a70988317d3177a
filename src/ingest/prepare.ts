import { randomUUID } from 'node:crypto';
import { constants, createReadStream, createWriteStream, openSync, rmSync, statSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { InputError } from '../base/errors.js';
import { readStart } from './bytes.js';
import { decoded, findForm } from './encoding.js';

/** A file in a form that DuckDB can read: seekable, unpacked and, if it is text, in UTF-8 with one kind of line end. */
export interface Prepared {
  /** The file itself, or the file made from it. */
  readonly path: string;
  readonly start: Buffer;
  readonly encoding?: string;
  /** What was guessed from its bytes and the user should know. */
  readonly notes: readonly string[];
}

export interface PrepareOptions {
  /** Guessed if left out. */
  readonly encoding?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The first bytes of files that are not logs, and what to do about them. */
const FOREIGN: readonly (readonly [bytes: string, what: string])[] = [
  ['PK\x03\x04', 'a zip archive; unpack it and name the log inside, or pipe it: <(unzip -p FILE MEMBER)'],
  ['PK\x05\x06', 'an empty zip archive'],
  ['BZh', 'packed by bzip2; unpack it, or pipe it: <(bzip2 -dc FILE)'],
  ['\xfd7zXZ\x00', 'packed by xz; unpack it, or pipe it: <(xz -dc FILE)'],
  ['\x28\xb5\x2f\xfd', 'packed by zstd; unpack it, or pipe it: <(zstd -dc FILE)'],
  ['7z\xbc\xaf\x27\x1c', 'a 7-Zip archive; unpack it and name the log inside'],
  ['Rar!', 'a RAR archive; unpack it and name the log inside'],
  ['\xd0\xcf\x11\xe0', 'an Excel workbook; save the sheet as CSV'],
  ['ARROW1', 'an Arrow file; write it as Parquet'],
  ['ORC', 'an ORC file; write it as Parquet'],
  ['Obj\x01', 'an Avro file; write it as Parquet'],
  ['SQLite format 3', 'an SQLite database; export the table as CSV'],
  ['\x89HDF', 'an HDF5 file; write the table as CSV or Parquet'],
  ['\x93NUMPY', 'a NumPy array; write it as CSV'],
  ['%PDF', 'a PDF document'],
];

/** Names of the standard input: a pipe, a file, or a socket, which cannot be opened by such a name. */
const STANDARD_INPUT = /^(-|\/dev\/stdin|\/dev\/fd\/0|\/proc\/self\/fd\/0)$/;

export function isStandardInput(file: string): boolean {
  return STANDARD_INPUT.test(file);
}

/**
 * Makes a file readable. Writes a new file only if necessary.
 * @param folder for files that are written
 * @throws InputError naming the file, and the line if there is one; the signal's reason if it is aborted
 */
export async function prepareFile(file: string, folder: string, options: PrepareOptions): Promise<Prepared> {
  const { encoding: said, signal } = options;
  const write = async (from: Readable, ...through: NodeJS.ReadWriteStream[]) => {
    const path = join(folder, randomUUID());
    await pipeline([from, ...through, createWriteStream(path)], signal ? { signal } : {});
    return path;
  };
  const made: string[] = [];
  const pipe = isStandardInput(file) || !statSync(file).isFile();
  if (pipe) made.push(await write(openPipe(file)));
  let start = readStart(made[0] ?? file);
  if (start[0] === 0x1f && start[1] === 0x8b) {
    const packed = made.pop();
    made.push(await unpack(file, () => write(createReadStream(packed ?? file), createGunzip())));
    if (packed) rmSync(packed);
    start = readStart(made[0]);
  }
  const path = made[0] ?? file;
  if (start.length === 0) throw new InputError(`${file} is empty`);
  refuseForeign(file, start);
  if (start.subarray(0, 4).toString('latin1') === 'PAR1') return { path, start, notes: [] };
  const { encoding, rewrite, note } = findForm(file, path, start, said);
  const notes = note === undefined ? [] : [note];
  if (!rewrite) return { path, start, encoding, notes };
  const text = await write(Readable.from(decoded(file, path, encoding)));
  for (const old of made) rmSync(old);
  return { path: text, start: readStart(text), encoding, notes };
}

function refuseForeign(file: string, start: Buffer): void {
  const found = FOREIGN.find(([bytes]) => start.subarray(0, bytes.length).toString('latin1') === bytes)?.[1];
  if (found === undefined) return;
  const workbook = start.includes('[Content_Types].xml') ? 'an Excel workbook; save the sheet as CSV' : undefined;
  throw new InputError(`${file} is ${workbook ?? found}`);
}

function openPipe(file: string): Readable {
  if (isStandardInput(file)) {
    if (process.stdin.isTTY) throw new InputError(`${file} is the terminal; pipe a log into it`);
    return process.stdin;
  }
  if (!statSync(file).isFIFO()) return createReadStream(file);
  // Opened without waiting for a writer, and read as a socket: a thread that blocks in open or read could not be stopped.
  return new Socket({ fd: openSync(file, constants.O_RDONLY | constants.O_NONBLOCK), readable: true, writable: false });
}

/** DuckDB accepts a gzip that breaks off, so it is unpacked here, where length and checksum are verified. */
async function unpack<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    if (!code.startsWith('Z_')) throw error;
    throw new InputError(`${file} is not a whole gzip file (${message}); fetch or pack it again`, { cause: error });
  }
}
