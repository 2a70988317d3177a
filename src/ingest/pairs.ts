import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { InputError } from '../base/errors.js';
import { lineBlocks } from './bytes.js';

/**
 * Writes sequences, a line with a user and the user's items, as pairs of a user and an item, separated by a tab. DuckDB's unnest would copy the other
 * columns for each entry of a list, which for long sequences takes minutes and gigabytes.
 * @param delimiter between words, besides spaces and tabs
 * @param folder for the pairs
 * @returns the file of pairs
 * @throws InputError naming the line of a user without items
 */
export async function writePairs(
  file: string,
  path: string,
  delimiter: string,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const pairs = join(folder, randomUUID());
  await pipeline([Readable.from(pairsOf(file, path, delimiter)), createWriteStream(pairs)], signal ? { signal } : {});
  return pairs;
}

function* pairsOf(file: string, path: string, delimiter: string): Generator<string> {
  const between = new RegExp(`[ \\t\\r${delimiter}]+`);
  let line = 0;
  let held = '';
  const pairsIn = (text: string) => {
    line++;
    const [user, ...items] = text.split(between).filter((word) => word !== '');
    if (user === undefined) return '';
    if (items.length === 0)
      throw new InputError(`${file}, line ${line}: a user without items; every line needs one at least`);
    return items.map((item) => `${user}\t${item}\n`).join('');
  };
  for (const block of lineBlocks(path)) {
    const lines = (held + block.toString()).split('\n');
    held = lines.pop()!;
    yield lines.map(pairsIn).join('');
  }
  yield pairsIn(held);
}
