import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InputError } from '../base/errors.js';
import { columnName } from './columns.js';
import { Database } from './database.js';
import { openLog } from './log.js';
import type { ImportOptions } from './options.js';
import { checkReadOptions } from './options.js';
import { type Profile, profileColumns } from './profile.js';
import { chooseRoles, describeRoles, type Layout, type Roles } from './roles.js';
import type { Source } from './source.js';
import { expandFiles } from './sources.js';

/** How many rows are shown. */
const ROWS = 3;

/** How a file of a log would be read. */
export interface FilePreview {
  readonly file: string;
  /** Its format and encoding, in words. */
  readonly about: string;
  readonly columns: readonly ColumnPreview[];
  /** Which column has which role, in words; undefined if it is unknown. */
  readonly roles?: string;
  /** What was guessed and the user should know. */
  readonly notes: readonly string[];
  /** What prevents an import, in one line. */
  readonly problem?: string;
}

/** A column of a log, and what it is taken for. */
export interface ColumnPreview {
  readonly name: string;
  /** The column's role; undefined if it is not read. */
  readonly role?: keyof Roles;
  /** Values in the first rows; null for a missing one. */
  readonly values: readonly (string | null)[];
}

/**
 * Shows logs as `importInteractions` would read them, and writes nothing.
 * @throws InputError naming a file that cannot be read at all
 */
export async function previewImport(options: Omit<ImportOptions, 'out'>): Promise<FilePreview[]> {
  checkReadOptions(options);
  const { files = [], train = [], val = [], test = [], memoryLimit, signal } = options;
  const named = [...files, ...train, ...val, ...test];
  if (named.length === 0) throw new InputError('name the files to look at');
  const folder = mkdtempSync(join(tmpdir(), 'gsas-preview-'));
  try {
    const database = join(folder, 'database');
    mkdirSync(database);
    const db = await Database.open(database, { memoryLimit, signal });
    try {
      const previews: FilePreview[] = [];
      for (const file of await expandFiles(db, named))
        previews.push(await previewFile(db, await openLog(db, file, { ...options, folder }), options));
      return previews;
    } finally {
      db.close();
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function previewFile(db: Database, source: Source, options: Omit<ImportOptions, 'out'>): Promise<FilePreview> {
  const { file, about } = source;
  try {
    const layout = await chooseRoles(db, source, options);
    const columns = describeColumns(source, layout.profiles, layout);
    return { file, about, columns, roles: describeRoles(source, layout), notes: [...source.notes, ...layout.notes] };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const columns = describeColumns(source, await profileColumns(db, source));
    return { file, about, columns, notes: source.notes, problem: error.message };
  }
}

function describeColumns(source: Source, profiles: readonly Profile[], layout?: Layout): ColumnPreview[] {
  const roles = Object.entries(layout?.roles ?? {}) as [keyof Roles, number | undefined][];
  return profiles.map(({ values }, i) => {
    const role = roles.find(([, column]) => column === i)?.[0];
    return { name: columnName(source, i), ...(role && { role }), values: values.slice(0, ROWS) };
  });
}
