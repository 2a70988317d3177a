import { InputError } from '../base/errors.js';
import { knownColumn, namedColumn } from './columns.js';
import type { Database } from './database.js';
import { reading, refuseRagged } from './log.js';
import type { TitleOptions } from './options.js';
import { expandFiles, openSource } from './sources.js';

/**
 * Reads the table `titles(original VARCHAR, title VARCHAR)`; where an item is there more than once, its first title counts.
 * @param folder for unpacked files
 * @throws InputError naming file, line and value
 */
export async function readItemTitles(
  db: Database,
  options: TitleOptions,
  folder: string,
  signal?: AbortSignal,
): Promise<void> {
  const { idCol, titleCol, encoding } = options;
  const files = await expandFiles(db, [options.file]);
  if (files.length > 1) throw new InputError(`--items ${options.file} are ${files.length} files; name one`);
  const source = await openSource(db, files[0], folder, { encoding, signal, named: [idCol, titleCol] });
  const [givenId, givenTitle] = [
    namedColumn(source, '--item-id-col', idCol),
    namedColumn(source, '--title-col', titleCol),
  ];
  const id = source.expressions[givenId ?? knownColumn(source, 'entry', '--item-id-col')];
  const title = source.expressions[givenTitle ?? knownColumn(source, 'title', '--title-col')];
  await reading(source, () =>
    db.run(`CREATE TABLE all_titles AS SELECT ${id}::VARCHAR AS original, ${title}::VARCHAR AS title ${source.from}`),
  );
  await refuseRagged(db, source);
  await db.run(
    `CREATE TABLE titles AS SELECT original, arg_min(title, rowid) AS title FROM all_titles WHERE trim(title) <> '' GROUP BY original`,
  );
}
