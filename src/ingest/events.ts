import { InputError } from '../base/errors.js';
import { quoted } from '../base/printable.js';
import { type Database, literal } from './database.js';
import type { ImportOptions } from './options.js';

/** Interactions left out, by reason. */
export interface Dropped {
  /** Rows without a user or an item that --drop-incomplete leaves out. */
  readonly incomplete: number;
  /** Events of kinds that --events does not name. */
  readonly events: number;
  /** Rated below --min-rating. */
  readonly rating: number;
  /** Repeats that `--duplicates first` or `last` leaves out. */
  readonly duplicates: number;
  /** Of users or items with too few interactions. */
  readonly tooFew: number;
  /** Held-out interactions of items that training never sees. */
  readonly unseen: number;
}

/** SQL for whether an event of the log is of a kind that counts. */
export function isOfKind(events: readonly string[] | undefined): string {
  return events === undefined ? 'true' : `coalesce(event IN (${events.map(literal).join(', ')}), false)`;
}

/** SQL for whether a row of the log counts. With `dropIncomplete`, rows without a user or an item do not. */
export function isWanted({ events, dropIncomplete }: Pick<ImportOptions, 'events' | 'dropIncomplete'>): string {
  return `${isOfKind(events)}${dropIncomplete ? ' AND user IS NOT NULL AND item IS NOT NULL' : ''}`;
}

/** @throws InputError if the log has no event of a kind that should count */
export async function refuseUnknownEvents(db: Database, events: readonly string[] = []): Promise<void> {
  if (events.length === 0) return;
  const kinds = await db.rows<{ event: string | null; count: string }>(
    'SELECT event, count(*) AS count FROM log GROUP BY event ORDER BY count(*) DESC, event LIMIT 20',
  );
  const there = await db.rows<{ event: string }>(`SELECT DISTINCT event FROM log WHERE ${isOfKind(events)}`);
  const unknown = events.find((name) => !there.some(({ event }) => event === name));
  if (unknown === undefined) return;
  const found = kinds.map(({ event, count }) => `${quoted(event ?? '')} (${Number(count).toLocaleString('en-US')})`);
  throw new InputError(`--events ${quoted(unknown)}: the log has no such event; it has ${found.join(', ')}`);
}

/**
 * Turns the table `log` into `events(user INTEGER, item INTEGER, time DOUBLE, part TINYINT, position BIGINT)`, with the tables
 * `users` and `items(original VARCHAR, number INTEGER)`. Numbers count up from 1 by first appearance in the log.
 * @returns how many interactions were left out
 */
export async function numberEvents(
  db: Database,
  options: Pick<ImportOptions, 'minRating' | 'events' | 'dropIncomplete'>,
): Promise<Pick<Dropped, 'incomplete' | 'events' | 'rating'>> {
  const { minRating, events } = options;
  const wanted = isWanted(options);
  const kept = `${wanted}${minRating === undefined ? '' : ` AND rating >= ${minRating}`}`;
  for (const name of ['user', 'item'])
    await db.run(
      `CREATE TABLE ${name}s AS
       SELECT ${name} AS original, (row_number() OVER (ORDER BY min(rowid)))::INTEGER AS number FROM log WHERE ${kept} GROUP BY ${name}`,
    );
  await db.run(
    `CREATE TABLE events AS
     SELECT users.number AS user, items.number AS item, time, part, log.rowid AS position
     FROM log JOIN users ON log.user = users.original JOIN items ON log.item = items.original WHERE ${kept}`,
  );
  const counts = await db.row<Record<'read' | 'ofKind' | 'wanted' | 'kept', string>>(
    `SELECT count(*) AS read, count(*) FILTER (${isOfKind(events)}) AS ofKind, count(*) FILTER (${wanted}) AS wanted, (SELECT count(*) FROM events) AS kept FROM log`,
  );
  await db.run('DROP TABLE log');
  const [read, ofKind, complete, left] = [counts.read, counts.ofKind, counts.wanted, counts.kept].map(Number);
  return { events: read - ofKind, incomplete: ofKind - complete, rating: complete - left };
}

/**
 * Turns ids into whole numbers if all have the form `12.0`, as pandas writes a column of whole numbers in which some are missing.
 * @param table a table with a column `original`
 * @returns the first id if ids had that form
 */
export async function takeWholeIds(db: Database, table: string): Promise<string | undefined> {
  const { whole, example } = await db.row<{ whole: boolean | null; example: string }>(
    `SELECT bool_and(regexp_full_match(original, '[0-9]+\\.0')) AS whole, first(original ORDER BY rowid) AS example FROM ${table}`,
  );
  if (!whole) return undefined;
  await db.run(`UPDATE ${table} SET original = original[:-3]`);
  return example;
}

/**
 * Removes from `events` what the options leave out.
 * @param training SQL condition for the interactions to train on. Only these are counted, so that the future has no influence
 */
export async function filterEvents(
  db: Database,
  options: ImportOptions,
  training: string,
  unseenItems: 'keep' | 'drop',
): Promise<Pick<Dropped, 'duplicates' | 'tooFew' | 'unseen'>> {
  const { duplicates = 'keep', minUserInteractions = 1, minItemInteractions = 1 } = options;
  const order = duplicates === 'first' ? 'time, position' : 'time DESC, position DESC';
  const repeated =
    duplicates === 'keep'
      ? 0
      : await remove(
          db,
          `position IN (SELECT position FROM events QUALIFY row_number() OVER (PARTITION BY user, item ORDER BY ${order}) > 1)`,
        );
  let tooFew = 0;
  for (let removed = -1; removed !== 0; tooFew += removed) {
    removed = await removeRare(db, 'user', minUserInteractions, training);
    removed += await removeRare(db, 'item', minItemInteractions, training);
  }
  const unseen =
    unseenItems === 'keep'
      ? 0
      : await remove(db, `NOT (${training}) AND item NOT IN (SELECT DISTINCT item FROM events WHERE ${training})`);
  return { duplicates: repeated, tooFew, unseen };
}

async function removeRare(db: Database, name: 'user' | 'item', least: number, training: string): Promise<number> {
  if (least <= 1) return 0;
  const rare = `SELECT ${name} FROM events WHERE ${training} GROUP BY ${name} HAVING count(*) < ${least}`;
  return remove(db, `${training} AND ${name} IN (${rare})`);
}

async function remove(db: Database, condition: string): Promise<number> {
  const { Count } = await db.row<{ Count: string }>(`DELETE FROM events WHERE ${condition}`);
  return Number(Count);
}

/**
 * Makes `user_ids` and `item_ids(id INTEGER, original VARCHAR, number INTEGER)` of the remaining users and items, with ids from 1 by first appearance.
 * Items whose own ids are the whole numbers from 1 to their count keep those.
 * @throws InputError if nothing is left
 */
export async function assignIds(db: Database): Promise<{ users: number; items: number; interactions: number }> {
  for (const name of ['user', 'item'])
    await db.run(
      `CREATE TABLE ${name}_ids AS
       SELECT (row_number() OVER (ORDER BY number))::INTEGER AS id, original, number
       FROM ${name}s WHERE number IN (SELECT DISTINCT ${name} FROM events)`,
    );
  const { numbered } = await db.row<{ numbered: boolean | null }>(
    `SELECT bool_and(regexp_full_match(original, '[1-9][0-9]{0,9}')) AND max(try_cast(original AS BIGINT)) = count(*) AS numbered FROM item_ids`,
  );
  if (numbered) await db.run('UPDATE item_ids SET id = original::INTEGER');
  const counts = await db.row<Record<'users' | 'items' | 'interactions', string>>(
    `SELECT (SELECT count(*) FROM user_ids) AS users, (SELECT count(*) FROM item_ids) AS items, (SELECT count(*) FROM events) AS interactions`,
  );
  const [users, items, interactions] = [counts.users, counts.items, counts.interactions].map(Number) as [
    number,
    number,
    number,
  ];
  if (interactions === 0)
    throw new InputError(
      'no interactions are left; lower --min-rating, --min-user-interactions or --min-item-interactions',
    );
  if (items < 2) throw new InputError('only one item is left, so there is nothing to rank');
  return { users, items, interactions };
}
