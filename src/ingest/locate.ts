import { blocks, NEWLINE, RETURN } from './bytes.js';

const QUOTE = 34;

/** The line, counted from 1, on which the record at this byte begins; line ends before the record are not part of it. */
export function lineAt(path: string, byte: number): number {
  let line = 1;
  let at = 0;
  for (const block of blocks(path)) {
    for (const value of block) {
      if (at++ >= byte && value !== NEWLINE && value !== RETURN) return line;
      if (value === NEWLINE) line++;
    }
  }
  return line;
}

/**
 * The line, counted from 1, on which a record begins. Empty lines hold no record; in a quoted field a line may end without ending the record.
 * @param record counted from 0, the header included
 */
export function lineOfRecord(path: string, record: number, quoted: boolean): number {
  let line = 1;
  let start = 1;
  let records = -1;
  let inRecord = false;
  let inQuotes = false;
  for (const block of blocks(path)) {
    for (const value of block) {
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
