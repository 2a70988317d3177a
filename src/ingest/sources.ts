import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../base/errors.js';
import { type Database, literal } from './database.js';
import { encodingInWords } from './encoding.js';
import { jsonSource } from './json.js';
import { parquetSource } from './parquet.js';
import { isStandardInput, prepareFile } from './prepare.js';
import type { Source, SourceOptions } from './source.js';
import { textSource } from './text.js';

/**
 * The files that names and globs match, each glob's files sorted by name.
 * @throws InputError if there are none
 */
export async function expandFiles(db: Database, patterns: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const pattern of patterns) {
    if (isStandardInput(pattern)) {
      files.push('/dev/stdin');
      continue;
    }
    if (existsSync(pattern)) {
      if (statSync(pattern).isDirectory())
        throw new InputError(`${pattern} is a folder; name its files, such as '${join(pattern, '*.csv')}'`);
      files.push(pattern);
      continue;
    }
    if (!/[*?[]/.test(pattern)) throw new InputError(`there is no file ${pattern}`);
    const matches = await db.rows<{ file: string }>(`SELECT file FROM glob(${literal(pattern)}) ORDER BY file`);
    if (matches.length === 0) throw new InputError(`no file matches ${pattern}`);
    files.push(...matches.map(({ file }) => file));
  }
  return files;
}

/**
 * Finds out how to read a file, and makes it readable first if it is packed, a pipe or not in UTF-8.
 * @param folder for files made from it
 * @throws InputError naming the file, and the line if there is one
 */
export async function openSource(db: Database, file: string, folder: string, options: SourceOptions): Promise<Source> {
  const prepared = await prepareFile(file, folder, options);
  const { path, start, notes } = prepared;
  if (prepared.encoding === undefined) return parquetSource(db, file, path, options.named);
  const text = new TextDecoder().decode(start);
  if (/^\s*<(!doctype|html|\?xml)/i.test(text))
    throw new InputError(`${file}, line 1 is a page of HTML or XML, not a log; see what was fetched`);
  const source = /^\s*[{[]/.test(text)
    ? await jsonSource(db, file, path, text, options.named)
    : await textSource(file, path, text, folder, options);
  return {
    ...source,
    about: `${source.about}, ${encodingInWords(prepared.encoding)}`,
    notes: [...notes, ...source.notes],
  };
}
