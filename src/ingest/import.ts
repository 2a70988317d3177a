import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DatasetStats } from '../data/stats.js';
import { NOTES, STATS } from '../store/dataset-files.js';
import { Database, literal } from './database.js';
import { assignIds, type Dropped, filterEvents, numberEvents, refuseUnknownEvents, takeWholeIds } from './events.js';
import { makeFolder } from './folder.js';
import { readLog } from './log.js';
import { checkOptions, type ImportOptions } from './options.js';
import { planSplit } from './plan.js';
import { writeSequences } from './sequences.js';
import { expandFiles } from './sources.js';
import { unitsPerDay } from './times.js';
import { readItemTitles, refuseStrangeTitles } from './titles.js';
import type { Unseen } from './writer.js';

/** What an import found and what it made. */
export interface ImportReport {
  /** For each file, the columns that were used. */
  readonly columns: readonly string[];
  /** What was guessed and the user should know: how a file was read without being told, and what else it might be. */
  readonly notes: readonly string[];
  /** Interactions read. */
  readonly read: number;
  readonly dropped: Dropped;
  /** How it was split, in words. */
  readonly split: string;
  readonly unseen: Unseen;
  /** Items without a title. Their id takes its place. */
  readonly untitled: number;
  /** What no import wrote and therefore stays in the folder; folders with a slash at the end. */
  readonly kept: readonly string[];
  readonly stats: DatasetStats;
}

/**
 * Makes a dataset in the official layout from interaction logs of any size: delimited text such as CSV, a sequence a line, JSON lines or an array, Parquet,
 * each of them plain, in gzip or from a pipe.
 * Sequences are in the order of time and, if times are equal, of the log. Beside the official files are items.csv (id, original_id,
 * title; category and age_days where they are known), users.csv (id, original_id), users.txt with the user id of each line, and import.json with the options and this report. The
 * folder appears whole or not at all.
 * @throws InputError naming file, line and value; the signal's reason when it is aborted
 */
export async function importInteractions(options: ImportOptions): Promise<ImportReport> {
  checkOptions(options);
  const { out, force = false, memoryLimit, signal } = options;
  return makeFolder(out, force, async (dir, work, kept) => {
    const db = await Database.open(work, { memoryLimit, signal });
    try {
      const report = await fill(db, dir, work, kept, options);
      signal?.throwIfAborted();
      return report;
    } finally {
      db.close();
    }
  });
}

async function fill(
  db: Database,
  dir: string,
  work: string,
  kept: readonly string[],
  options: ImportOptions,
): Promise<ImportReport> {
  const { files, train, val, test, onProgress } = options;
  const parts = files?.length ? [files] : [train!, val!, test!];
  const log = await readLog(db, await Promise.all(parts.map((part) => expandFiles(db, part))), {
    ...options,
    folder: work,
  });
  if (options.titles) await readItemTitles(db, options.titles, work, options.signal);
  onProgress?.('numbering users and items');
  await refuseUnknownEvents(db, options.events);
  const unwanted = await numberEvents(db, options);
  const notes = [...log.notes, ...(await noteWholeIds(db))];
  if (options.titles) await refuseStrangeTitles(db, options.titles.file);
  const plan = await planSplit(db, log.times, options);
  const dropped = { ...unwanted, ...(await filterEvents(db, options, plan.training, plan.unseenItems)) };
  const counts = await assignIds(db);
  onProgress?.('sorting and writing');
  const { unseen, ...lines } = await writeSequences(db, dir, counts.items, plan, log.times !== 'none');
  const untitled = await writeIds(db, dir, options.titles !== undefined, await unitsPerDay(db, log.times));
  const { users, items, interactions } = counts;
  const stats = { users, items, interactions, density: interactions / (users * items), ...lines };
  const report = {
    columns: log.columns,
    notes,
    read: log.rows,
    dropped,
    split: plan.split,
    unseen,
    untitled,
    kept,
    stats,
  };
  writeNotes(dir, options, report);
  return report;
}

async function noteWholeIds(db: Database): Promise<string[]> {
  const notes: string[] = [];
  for (const name of ['user', 'item']) {
    const example = await takeWholeIds(db, `${name}s`);
    if (example) notes.push(`${name} ids such as ${example} are taken for whole numbers, ${example.slice(0, -2)}`);
  }
  return notes;
}

/** Writes the id maps. @param day units of time in a day, if the log has moments @returns how many items have no title */
async function writeIds(db: Database, dir: string, titled: boolean, day: number | undefined): Promise<number> {
  const title = titled ? 'coalesce(title, original)' : 'original';
  const { known } = titled
    ? await db.row<{ known: boolean | null }>('SELECT bool_or(category IS NOT NULL) AS known FROM titles')
    : { known: false };
  const category = known ? ', category' : '';
  const titles = titled ? 'LEFT JOIN titles USING (original)' : '';
  const age = day === undefined ? '' : `, floor(((SELECT max(time) FROM events) - first) / ${day})::BIGINT AS age_days`;
  const firsts = age && 'JOIN (SELECT item AS number, min(time) AS first FROM events GROUP BY item) USING (number)';
  await db.run(
    `COPY (SELECT id, original AS original_id, ${title} AS title${category}${age} FROM item_ids ${titles} ${firsts} ORDER BY id) TO ${literal(join(dir, 'items.csv'))} (FORMAT csv, HEADER)`,
  );
  await db.run(
    `COPY (SELECT id, original AS original_id FROM user_ids ORDER BY id) TO ${literal(join(dir, 'users.csv'))} (FORMAT csv, HEADER)`,
  );
  if (!titled) return 0;
  const { untitled } = await db.row<{ untitled: string }>(
    'SELECT count(*) AS untitled FROM item_ids WHERE original NOT IN (SELECT original FROM titles)',
  );
  return Number(untitled);
}

/** Writes dataset_stats.json to the byte as the official code does, and everything else into import.json. */
function writeNotes(dir: string, { onProgress, signal, ...options }: ImportOptions, report: ImportReport): void {
  const { users, items, interactions } = report.stats;
  const official = { num_users: users, num_items: items, num_interactions: interactions };
  writeFileSync(join(dir, STATS), JSON.stringify(official, null, 4));
  writeFileSync(join(dir, NOTES), `${JSON.stringify({ options, ...report }, null, 2)}\n`);
}
