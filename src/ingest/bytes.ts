import { closeSync, openSync, readSync } from 'node:fs';
import { InputError } from '../base/errors.js';

/** How many bytes of a file are examined to find out what it is. */
const PEEK_BYTES = 2 ** 18;
const BLOCK_BYTES = 2 ** 20;

export const NEWLINE = 10;
export const RETURN = 13;

/** The first bytes of a file. @throws InputError if it cannot be read */
export function readStart(file: string): Buffer {
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch (error) {
    throw new InputError(`cannot read ${file} (${(error as NodeJS.ErrnoException).code})`, { cause: error });
  }
  try {
    const buffer = Buffer.alloc(PEEK_BYTES);
    return buffer.subarray(0, readSync(fd, buffer));
  } finally {
    closeSync(fd);
  }
}

/** A file's bytes in order. A block is valid until the next one is requested. */
export function* blocks(path: string): Generator<Buffer> {
  const fd = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(BLOCK_BYTES);
    for (let size = readSync(fd, buffer); size > 0; size = readSync(fd, buffer)) yield buffer.subarray(0, size);
  } finally {
    closeSync(fd);
  }
}

/**
 * A file's bytes in order, in blocks that end with a line or, if a line is longer than a block, between two characters of UTF-8. A block is valid until
 * the next one is requested.
 */
export function* lineBlocks(path: string): Generator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for (const block of blocks(path)) {
    const whole = rest.length > 0 ? Buffer.concat([rest, block]) : block;
    const end = whole.lastIndexOf(NEWLINE) + 1 || lastCharacter(whole);
    if (end > 0) yield whole.subarray(0, end);
    rest = Buffer.from(whole.subarray(end));
  }
  if (rest.length > 0) yield rest;
}

/** Where the last UTF-8 character begins, which may be incomplete. */
function lastCharacter(bytes: Buffer): number {
  let at = bytes.length - 1;
  while (at > Math.max(0, bytes.length - 4) && (bytes[at] & 0xc0) === 0x80) at--;
  return at;
}
