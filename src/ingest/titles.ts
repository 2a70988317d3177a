import { InputError } from '../base/errors.js';
import { quoted } from '../base/printable.js';
import { guessColumn, knownColumn, namedColumn } from './columns.js';
import type { Database } from './database.js';
import { takeWholeIds } from './events.js';
import type { TitleOptions } from './options.js';
import { refuseRagged } from './refuse.js';
import { idExpression, reading } from './source.js';
import { expandFiles, openSource } from './sources.js';

/**
 * Reads the table `titles(original VARCHAR, title VARCHAR, category VARCHAR)`. If an item occurs more than once, its first title counts. A missing
 * category is null.
 * @param folder for unpacked files
 * @throws InputError naming file, line and value
 */
export async function readItemTitles(
  db: Database,
  options: TitleOptions,
  folder: string,
  signal?: AbortSignal,
): Promise<void> {
  const { idCol, titleCol, categoryCol, encoding, quotes } = options;
  const files = await expandFiles(db, [options.file]);
  if (files.length > 1) throw new InputError(`--items ${options.file} are ${files.length} files; name one`);
  const source = await openSource(db, files[0], folder, {
    ...{ encoding, quotes, signal, sequences: false },
    named: [idCol, titleCol, categoryCol],
  });
  const [givenId, givenTitle, givenCategory] = [
    namedColumn(source, '--item-id-col', idCol),
    namedColumn(source, '--title-col', titleCol),
    namedColumn(source, '--category-col', categoryCol),
  ];
  const id = idExpression(source, givenId ?? knownColumn(source, 'entry', '--item-id-col'));
  const title = `trim(${source.expressions[givenTitle ?? knownColumn(source, 'title', '--title-col')]}::VARCHAR)`;
  const place = givenCategory ?? guessColumn(source, 'category');
  const category = place === undefined ? 'NULL::VARCHAR' : `nullif(trim(${source.expressions[place]}::VARCHAR), '')`;
  await reading(source, () =>
    db.run(
      `CREATE TABLE all_titles AS SELECT ${id} AS original, ${title} AS title, ${category} AS category ${source.from}`,
    ),
  );
  await refuseRagged(db, source);
  await db.run(
    `CREATE TABLE titles AS SELECT original, arg_min(title, rowid) AS title, arg_min(category, rowid) AS category FROM all_titles WHERE original IS NOT NULL AND title <> '' GROUP BY original`,
  );
  await takeWholeIds(db, 'titles');
}

/** @throws InputError if no item of the log has a title, as with the wrong file or another way of writing ids */
export async function refuseStrangeTitles(db: Database, file: string): Promise<void> {
  const { known, ours, theirs } = await db.row<{ known: boolean; ours: string; theirs: string | null }>(
    `SELECT EXISTS (FROM items JOIN titles USING (original)) AS known, (SELECT arg_min(original, number) FROM items) AS ours,
     (SELECT min(original) FROM titles) AS theirs`,
  );
  if (known) return;
  if (theirs === null) throw new InputError(`${file} has no title; name another column by --title-col`);
  throw new InputError(
    `${file} has a title for no item of the log: its ids are such as ${quoted(theirs)}, the log's such as ${quoted(ours)}; name another file by --items, or its column of ids by --item-id-col`,
  );
}
