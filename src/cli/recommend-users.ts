import { InputError } from '../base/errors.js';
import type { Sequences } from '../data/dataset.js';
import type { Recommender, TopOptions } from '../infer/recommender.js';
import { type Column, type Row, writeTable } from '../store/table.js';
import type { ItemNames } from '../store/titles.js';
import { interruptible } from './interrupt.js';
import { namedRows } from './recommendations.js';

/** The users of a table of recommendations. */
export interface TableUsers {
  /** Their histories; none is empty. */
  readonly histories: Sequences;
  /** [histories.count] each one's line in the data, from 1. */
  readonly lines: ArrayLike<number>;
  /** [histories.count] their ids in the log, if they have any. */
  readonly ids?: readonly string[] | undefined;
}

/**
 * Writes a row for each user and item, batch by batch as they are computed.
 * @returns the number of rows
 */
export async function recommendToFile(
  file: string,
  recommender: Recommender,
  { histories, lines, ids }: TableUsers,
  names: ItemNames,
  options: TopOptions,
): Promise<number> {
  if (histories.count === 0) throw new InputError('no user has an item of this model');
  const columns: Column[] = [
    { name: 'line', type: 'UINTEGER' },
    ...(ids ? [{ name: 'user', type: 'VARCHAR' } as const] : []),
    { name: 'rank', type: 'UINTEGER' },
    { name: 'item', type: 'UINTEGER' },
    ...(names.originals.size > 0 ? [{ name: 'original_id', type: 'VARCHAR' } as const] : []),
    { name: 'score', type: 'FLOAT' },
    ...(recommender.probability ? [{ name: 'probability', type: 'DOUBLE' } as const] : []),
    ...(names.categories ? [{ name: 'category', type: 'VARCHAR' } as const] : []),
    ...(names.titles.size > 0 ? [{ name: 'title', type: 'VARCHAR' } as const] : []),
  ];
  return interruptible((signal) => {
    const batches = async function* () {
      let user = 0;
      for await (const batch of recommender.batches(each(histories), { ...options, signal })) {
        yield batch.flatMap((found) => {
          const of = { line: lines[user], user: ids?.[user] };
          user++;
          return namedRows(found, names).map((row): Row => {
            const known: Record<string, Row[number] | undefined> = { ...of, ...row };
            return columns.map(({ name }) => known[name] ?? null);
          });
        });
        if (process.stderr.isTTY) process.stderr.write(`\r${user} of ${histories.count} users`);
      }
      if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    };
    return writeTable(file, columns, batches());
  });
}

function* each(sequences: Sequences): Generator<Uint32Array> {
  for (let i = 0; i < sequences.count; i++) yield sequences.at(i);
}
