import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { HostRandom } from '../src/base/philox.js';
import { importInteractions } from '../src/ingest/import.js';
import type { ImportOptions } from '../src/ingest/options.js';
import { scratchFolder } from './support/scratch.js';

const at = scratchFolder();

interface Interaction {
  user: string;
  item: string;
  time: number;
}

/** The same in plain loops over the whole log: ids by first appearance, order, duplicates, k-core, leave-one-out. */
function reference(
  log: Interaction[],
  { duplicates, minUserInteractions = 1, minItemInteractions = 1 }: Partial<ImportOptions>,
) {
  const firstSeen = (key: 'user' | 'item') => [...new Set(log.map((interaction) => interaction[key]))];
  const [users, items] = [firstSeen('user'), firstSeen('item')];
  // Sorting is stable, so equal times keep the order of the log.
  let left = [...log].sort((a, b) => a.time - b.time);
  const same = (a: Interaction) => (b: Interaction) => a.user === b.user && a.item === b.item;
  if (duplicates === 'first') left = left.filter((one, i) => left.findIndex(same(one)) === i);
  if (duplicates === 'last') left = left.filter((one, i) => left.findLastIndex(same(one)) === i);
  const count = (key: 'user' | 'item', id: string) => left.filter((interaction) => interaction[key] === id).length;
  for (let before = Infinity; left.length < before; ) {
    before = left.length;
    left = left.filter(({ user }) => count('user', user) >= minUserInteractions);
    left = left.filter(({ item }) => count('item', item) >= minItemInteractions);
  }
  const [keptUsers, keptItems] = [
    users.filter((user) => count('user', user) > 0),
    items.filter((item) => count('item', item) > 0),
  ];
  const sequences = keptUsers.map((user) =>
    left.filter((one) => one.user === user).map(({ item }) => keptItems.indexOf(item) + 1),
  );
  const long = sequences.filter(({ length }) => length >= 3);
  const text = (rows: (number | number[])[]) => rows.map((row) => `${[row].flat().join(' ')}\n`).join('');
  return {
    'users.csv': `id,original_id\n${keptUsers.map((user, i) => `${i + 1},${user}\n`).join('')}`,
    'items.csv': `id,original_id,title\n${keptItems.map((item, i) => `${i + 1},${item},${item}\n`).join('')}`,
    'train/input.txt': text(sequences.map((row) => (row.length < 3 ? row : row.slice(0, -2)))),
    'val/input.txt': text(long.map((row) => row.slice(0, -2))),
    'val/output.txt': text(long.map((row) => row.at(-2)!)),
    'test/input.txt': text(long.map((row) => row.slice(0, -1))),
    'test/output.txt': text(long.map((row) => row.at(-1)!)),
  };
}

it.each<Partial<ImportOptions>>([
  {},
  { duplicates: 'first' },
  { duplicates: 'last' },
  { minUserInteractions: 4 },
  { minItemInteractions: 6 },
  { duplicates: 'first', minUserInteractions: 5, minItemInteractions: 4 },
])('any log is imported as by plain loops: %j', async (options) => {
  for (let seed = 0; seed < 3; seed++) {
    const random = new HostRandom(seed, 0);
    // Few of each, so that there are many ties, repeats and rare items.
    const log = Array.from({ length: 300 }, () => ({
      user: `u${Math.min(random.integer(60), random.integer(60))}`,
      item: `i${Math.min(random.integer(50), random.integer(50))}`,
      time: random.integer(20),
    }));
    const file = at('log.csv');
    writeFileSync(file, `user,item,time\n${log.map(({ user, item, time }) => `${user},${item},${time}\n`).join('')}`);
    const out = at('out');
    await importInteractions({ files: [file], out, force: true, ...options });
    const expected = reference(log, options);
    const found = Object.fromEntries(
      Object.keys(expected).map((name) => [name, readFileSync(join(out, name), 'utf8')]),
    );
    expect(found).toEqual(expected);
  }
});
