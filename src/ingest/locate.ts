import { closeSync, openSync, readSync } from 'node:fs';

const NEWLINE = 10;
const RETURN = 13;
const QUOTE = 34;

/** The line, counted from 1, that the record at this byte begins on; line ends before the record are not part of it. */
export function lineAt(path: string, byte: number): number {
  let line = 1;
  let at = 0;
  for (const chunk of chunks(path)) {
    for (const value of chunk) {
      if (at++ >= byte && value !== NEWLINE && value !== RETURN) return line;
      if (value === NEWLINE) line++;
    }
  }
  return line;
}

/**
 * The line, counted from 1, that a record begins on. Empty lines hold none; in a quoted field a line may end without ending the record.
 * @param record counted from 0, the header included
 */
export function lineOfRecord(path: string, record: number, quoted: boolean): number {
  let line = 1;
  let start = 1;
  let records = -1;
  let inRecord = false;
  let inQuotes = false;
  for (const chunk of chunks(path)) {
    for (const value of chunk) {
      if (value === NEWLINE) {
        line++;
        if (!inQuotes) inRecord = false;
        continue;
      }
      if (value === RETURN) continue;
      if (!inRecord) {
        inRecord = true;
        start = line;
        if (++records === record) return start;
      }
      if (quoted && value === QUOTE) inQuotes = !inQuotes;
    }
  }
  return start;
}

function* chunks(path: string): Generator<Uint8Array> {
  const fd = openSync(path, 'r');
  try {
    const buffer = new Uint8Array(2 ** 20);
    for (let size = readSync(fd, buffer); size > 0; size = readSync(fd, buffer)) yield buffer.subarray(0, size);
  } finally {
    closeSync(fd);
  }
}
