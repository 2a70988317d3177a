import { InputError } from '../base/errors.js';
import { Sequences } from '../data/dataset.js';

const NEWLINE = 10;
const isSpace = (byte: number) => byte === 32 || byte === 9 || byte === 13;
const isDigit = (byte: number) => byte >= 48 && byte <= 57;

/**
 * Reads one sequence of item ids per line, separated by spaces. The last line may lack its newline.
 * @param file named in errors
 * @throws InputError on an empty file or line, and on anything but ids from 1 to `numItems`
 */
export function parseSequences(bytes: Uint8Array, file: string, numItems: number): Sequences {
  const items = new Uint32Array((bytes.length >> 1) + 1);
  const offsets = new Uint32Array(countLines(bytes) + 1);
  if (offsets.length === 1) throw new InputError(`${file} is empty; it must hold a line of item ids for each user`);
  let count = 0;
  let at = 0;
  for (let line = 1; line < offsets.length; line++) {
    for (; at < bytes.length && bytes[at] !== NEWLINE; at++) {
      if (isSpace(bytes[at])) continue;
      const start = at;
      let id = 0;
      for (; isDigit(bytes[at]); at++) id = id * 10 + bytes[at] - 48;
      if (!endsToken(bytes, at) || id < 1 || id > numItems) rejectItem(bytes, start, `${file}, line ${line}`, numItems);
      items[count++] = id;
      at--;
    }
    at++;
    if (count === offsets[line - 1]) {
      throw new InputError(
        `${file}, line ${line} is empty; give the user's item ids, or remove the user from every file`,
      );
    }
    offsets[line] = count;
  }
  return new Sequences(items.slice(0, count), offsets);
}

/** Reads one item id per line. @throws InputError as `parseSequences`, and on a line of several ids */
export function parseTargets(bytes: Uint8Array, file: string, numItems: number): Uint32Array {
  const lines = parseSequences(bytes, file, numItems);
  for (let i = 0; i < lines.count; i++) {
    if (lines.lengthOf(i) !== 1) {
      throw new InputError(
        `${file}, line ${i + 1} holds ${lines.lengthOf(i)} ids (${lines.at(i).subarray(0, 5).join(' ')}…); keep only the one item to be predicted`,
      );
    }
  }
  return lines.items;
}

function countLines(bytes: Uint8Array): number {
  let lines = bytes.length > 0 && bytes[bytes.length - 1] !== NEWLINE ? 1 : 0;
  for (let i = 0; i < bytes.length; i++) if (bytes[i] === NEWLINE) lines++;
  return lines;
}

function endsToken(bytes: Uint8Array, at: number): boolean {
  return at === bytes.length || bytes[at] === NEWLINE || isSpace(bytes[at]);
}

function rejectItem(bytes: Uint8Array, start: number, where: string, numItems: number): never {
  let end = start;
  while (!endsToken(bytes, end)) end++;
  const value = new TextDecoder().decode(bytes.subarray(start, Math.min(end, start + 40)));
  const why = /^\d+$/.test(value) && Number(value) > numItems ? 'is above num_items' : 'is not an item id';
  throw new InputError(
    `${where}: ${JSON.stringify(value)} ${why}; ids are whole numbers from 1 to num_items of dataset_stats.json (${numItems}), separated by spaces`,
  );
}
