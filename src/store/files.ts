import {
  appendFileSync,
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { getSystemErrorMap } from 'node:util';
import { GsasError, InputError } from '../base/errors.js';

/** Node takes at most 2 GiB in one call. */
export const MAX_IO_BYTES = 2 ** 30;

/**
 * Writes a file whole or not at all: a temporary file in the same folder, fsync, rename, fsync of the folder. A process that is killed at any moment
 * leaves the old file or the new one; a temporary file that it leaves is overwritten next time.
 * Throws a GsasError that names the file and the system's reason (disk full, permission denied).
 * @param keep a new name for the existing file; a kill may leave the file under that name with no new file yet
 */
export function writeWhole(file: string, chunks: Iterable<Uint8Array>, keep?: string): void {
  const temporary = `${file}.tmp`;
  try {
    writeSynced(temporary, 'w', chunks);
    if (keep !== undefined && existsSync(file)) renameSync(file, keep);
    renameSync(temporary, file);
    syncFolder(dirname(file));
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new GsasError(`${file}: cannot be written: ${systemReason(error)}`, { cause: error });
  }
}

/** Renames a file durably. Throws like writeWhole. */
export function moveFile(from: string, to: string): void {
  try {
    renameSync(from, to);
    syncFolder(dirname(to));
  } catch (error) {
    throw new GsasError(`${from}: cannot be renamed to ${to}: ${systemReason(error)}`, { cause: error });
  }
}

/** Appends to a file and waits until it is on the disk. Throws a GsasError that names the file and the reason. */
export function appendSynced(file: string, text: string): void {
  try {
    writeSynced(file, 'a', [Buffer.from(text)]);
  } catch (error) {
    throw new GsasError(`${file}: cannot be written: ${systemReason(error)}`, { cause: error });
  }
}

/** Appends to a file; the system decides when that reaches the disk. Throws like appendSynced. */
export function appendBytes(file: string, bytes: Uint8Array): void {
  try {
    appendFileSync(file, bytes);
  } catch (error) {
    throw new GsasError(`${file}: cannot be written: ${systemReason(error)}`, { cause: error });
  }
}

function writeSynced(file: string, flags: 'w' | 'a', chunks: Iterable<Uint8Array>): void {
  const fd = openSync(file, flags);
  try {
    for (const chunk of chunks) {
      for (let at = 0; at < chunk.length; ) {
        at += writeSync(fd, chunk, at, Math.min(chunk.length - at, MAX_IO_BYTES));
      }
    }
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Makes a rename in the folder survive a power cut. Windows cannot open folders and does not need it. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** A file as text. Throws an InputError that names the file and the system's reason. */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new InputError(`${file}: cannot be read: ${systemReason(error)}`, { cause: error });
  }
}

/** A file of JSON. Throws an InputError that names the file and where the JSON breaks off. */
export function readJson(file: string): unknown {
  return parseJson(readText(file), file);
}

/** Parses JSON. Throws an InputError that names the source, the line if the parser reports one, and the parser's message. */
export function parseJson(text: string, source: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const complaint = (error as SyntaxError).message.replace(/\s+/g, ' ');
    const position = /position (\d+)/.exec(complaint)?.[1];
    const lines = position === undefined ? [] : text.slice(0, Number(position)).split('\n');
    const line = lines.length > 1 ? ` line ${lines.length}` : '';
    throw new InputError(`${source}${line}: is not JSON: ${complaint}`, { cause: error });
  }
}

export function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** The system's message for a failed file operation ("no such file or directory"), without the call and the path. */
export function systemReason(error: unknown): string {
  const { errno, message } = error as NodeJS.ErrnoException;
  return (errno !== undefined && getSystemErrorMap().get(errno)?.[1]) || message;
}
