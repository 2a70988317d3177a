import { readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'vitest';
import { gsas } from './command.js';

/** A shop's log over a fortnight: 40 users u0 … u39 of 8 to 12 items each out of sku-0 … sku-29, each user mostly of one category in three. */
export function shopLog(users = 40): string {
  let state = 1;
  const draw = (below: number) => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * below);
  };
  const rows = Array.from({ length: users }, (_, user) =>
    Array.from({ length: 8 + (user % 5) }, (_, t) => {
      const item = draw(5) > 0 ? 3 * draw(10) + (user % 3) : draw(30);
      return `u${user},sku-${item},${1_700_000_000 + 100_000 * t + user}\n`;
    }).join(''),
  );
  return `user,item,timestamp\n${rows.join('')}`;
}

export const SHOP_FLAGS = [
  ...['--preset', 'quick', '--sequence-length', '10', '--embedding-dim', '16', '--num-blocks', '1'],
  ...['--train-batch-size', '8', '--max-batches-per-epoch', '5'],
];

/** Items by their ids in the log, as a run or a dataset numbers them. */
export function numbersIn(file: string): Map<string, number> {
  const [header, ...rows] = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.replaceAll('"', '').split(','));
  const [id, original] = ['id', 'original_id'].map((name) => header.indexOf(name));
  return new Map(rows.map((row) => [row[original], Number(row[id])]));
}

/** Imports a log as `folder`, with titles and a category in three of each item. */
export async function importShop(cwd: string, folder: string, log = shopLog()): Promise<void> {
  writeFileSync(`${cwd}/log.csv`, log);
  const items = Array.from({ length: 30 }, (_, i) => `sku-${i},Thing ${i},group ${i % 3}\n`);
  writeFileSync(`${cwd}/items.csv`, `id,title,category\n${items.join('')}`);
  const outcome = await gsas(cwd, 'data', 'import', 'log.csv', '--items', 'items.csv', '--out', folder);
  expect(outcome).toMatchObject({ status: 0 });
}
