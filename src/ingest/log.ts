import { InputError } from '../base/errors.js';
import { guessColumn, knownColumn, namedColumn } from './columns.js';
import { type Database, literal } from './database.js';
import { lineAt, lineOfRecord } from './locate.js';
import type { ReadOptions } from './options.js';
import { openSource, type Source, unreadable } from './sources.js';

/** How times are written in a log: as numbers of any unit, as text or a type that names a moment, or not at all. */
export type TimeKind = 'number' | 'moment' | 'none';

export interface LogOptions extends ReadOptions {
  readonly minRating?: number;
  /** For unpacked files. */
  readonly folder: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (step: string) => void;
}

/** What was read. */
export interface Log {
  readonly rows: number;
  readonly times: TimeKind;
  /** For each file, which column played which role. */
  readonly columns: readonly string[];
}

/**
 * Reads files, in this order, into the table
 * `log(user VARCHAR, item VARCHAR, time DOUBLE, rating DOUBLE, part TINYINT)`, whose rowid is the interaction's position in the log.
 * A moment is in microseconds since 1970, UTC; times are 0 where there are none.
 * @param parts files of each part: of one, or of training, validation and test
 * @throws InputError naming file, line and value
 */
export async function readLog(db: Database, parts: readonly (readonly string[])[], options: LogOptions): Promise<Log> {
  await db.run('CREATE TABLE log(user VARCHAR, item VARCHAR, time DOUBLE, rating DOUBLE, part TINYINT)');
  const columns: string[] = [];
  let times: TimeKind | undefined;
  let rows = 0;
  for (const [part, files] of parts.entries()) {
    for (const file of files) {
      options.onProgress?.(`reading ${file}`);
      const named = [options.userCol, options.itemCol, options.timeCol, options.ratingCol];
      const source = await openSource(db, file, options.folder, { ...options, named });
      const roles = chooseColumns(source, options);
      const kind = await timeKind(db, source, roles.time, options.timeFormat);
      if (times !== undefined && kind !== times)
        throw new InputError(
          `${file} has ${SAID[kind]}, but the files before it have ${SAID[times]}; import them apart or name --time-col`,
        );
      times = kind;
      columns.push(describeColumns(source, roles));
      rows += await append(db, source, roles, kind, part, options, rows);
    }
  }
  if (rows === 0) throw new InputError(`${parts.flat().join(', ')}: no interactions in there, only a header`);
  return { rows, times: times!, columns };
}

const SAID: Record<TimeKind, string> = { number: 'times as numbers', moment: 'dates', none: 'no times' };

/** Column numbers. */
interface Roles {
  readonly user: number;
  readonly item: number;
  readonly time?: number | undefined;
  readonly rating?: number | undefined;
}

function chooseColumns(source: Source, options: LogOptions): Roles {
  const { userCol, itemCol, timeCol, ratingCol, minRating } = options;
  // What flags name is looked for first: an error is about what was written, not about what was to be guessed.
  const given = {
    user: namedColumn(source, '--user-col', userCol),
    item: namedColumn(source, '--item-col', itemCol),
    time: namedColumn(source, '--time-col', timeCol),
    rating: namedColumn(source, '--rating-col', ratingCol),
  };
  const user = given.user ?? knownColumn(source, 'user', '--user-col');
  const item = given.item ?? knownColumn(source, 'item', '--item-col');
  const rating = given.rating ?? (minRating === undefined ? undefined : knownColumn(source, 'rating', '--rating-col'));
  const guess = guessColumn(source, 'time');
  const free = guess !== undefined && ![user, item, rating].includes(guess) ? guess : undefined;
  const time = given.time ?? free;
  const roles = { user, item, time, rating: minRating === undefined ? undefined : rating };
  if (roles.user === roles.item)
    throw new InputError(`${source.file}, line 1: column ${source.names[roles.user]} cannot be user and item at once`);
  return roles;
}

function describeColumns(source: Source, roles: Roles): string {
  const named = Object.entries(roles).flatMap(([role, column]) =>
    column === undefined ? [] : `${role} = ${source.hasHeader ? source.names[column] : `column ${column + 1}`}`,
  );
  return `${source.file}: ${named.join(', ')}`;
}

async function timeKind(db: Database, source: Source, column: number | undefined, format?: string): Promise<TimeKind> {
  if (column === undefined) return 'none';
  const type = source.types[column];
  if (/^(TIMESTAMP|DATE)/.test(type)) return 'moment';
  if (type !== 'VARCHAR') return 'number';
  if (format !== undefined) return 'moment';
  const value = source.expressions[column];
  const sql = `SELECT try_cast(${value} AS DOUBLE) IS NULL AS moment ${source.from} WHERE ${value} IS NOT NULL LIMIT 1`;
  const [first] = await reading(source, () => db.rows<{ moment: boolean }>(sql));
  return first?.moment ? 'moment' : 'number';
}

/** SQL of a time in the log's terms; NULL where it is none. */
export function timeExpression(value: string, type: string, kind: TimeKind, format?: string): string {
  if (kind === 'none') return '0';
  let moment = `try_cast(${value} AS TIMESTAMP)`;
  if (type.startsWith('TIMESTAMP WITH')) moment = value;
  else if (type === 'VARCHAR' && format !== undefined) moment = `try_strptime(${value}, ${literal(format)})`;
  const time = kind === 'number' ? `try_cast(${value} AS DOUBLE)` : moment;
  const finite = `CASE WHEN isfinite(${time}) THEN ${time} END`;
  return kind === 'number' ? finite : `epoch_us(${finite})`;
}

/** Appends a file to the log. @returns its rows */
async function append(
  db: Database,
  source: Source,
  roles: Roles,
  kind: TimeKind,
  part: number,
  options: LogOptions,
  position: number,
): Promise<number> {
  const { expressions, types } = source;
  const id = (column: number) =>
    `CASE WHEN trim(${expressions[column]}::VARCHAR) <> '' THEN ${expressions[column]}::VARCHAR END`;
  const time =
    roles.time === undefined
      ? '0'
      : timeExpression(expressions[roles.time], types[roles.time], kind, options.timeFormat);
  const rating = roles.rating === undefined ? '0' : `try_cast(${expressions[roles.rating]} AS DOUBLE)`;
  await reading(source, () =>
    db.run(`INSERT INTO log SELECT ${id(roles.user)}, ${id(roles.item)}, ${time}, ${rating}, ${part} ${source.from}`),
  );
  if (source.format === 'text') await refuseRagged(db, source);
  const { rows, bad } = await db.row<{ rows: string; bad: string | null }>(
    `SELECT count(*) AS rows, min(rowid) FILTER (user IS NULL OR item IS NULL OR time IS NULL OR rating IS NULL OR isnan(rating)) AS bad
     FROM log WHERE rowid >= ${position}`,
  );
  if (bad !== null) await refuseValue(db, source, roles, Number(bad), position, options);
  return Number(rows);
}

/** Throws for the first line that DuckDB could not take apart. */
export async function refuseRagged(db: Database, source: Source): Promise<void> {
  const [reject] = await db.rows<{ byte: string; type: string; text: string; message: string }>(
    `SELECT line_byte_position AS byte, error_type AS type, csv_line AS text, error_message AS message
     FROM reject_errors WHERE scan_id = (SELECT max(scan_id) FROM reject_scans) ORDER BY byte_position LIMIT 1`,
  );
  if (!reject) return;
  const { file, path, names } = source;
  const where = `${file}, line ${lineAt(path, Number(reject.byte) - 1)}: ${JSON.stringify(reject.text.trim().slice(0, 80))}`;
  if (/COLUMNS$/.test(reject.type))
    throw new InputError(
      `${where} has too ${reject.type.startsWith('MISSING') ? 'few' : 'many'} fields; line 1 has ${names.length}`,
    );
  if (reject.type === 'INVALID ENCODING')
    throw new InputError(`${where} is not UTF-8; convert the file, or say --encoding latin-1 if that is what it is`);
  throw new InputError(`${where}: ${reject.message.split('\n')[0]}`);
}

/** Throws for a row whose id, time or rating is none. */
async function refuseValue(
  db: Database,
  source: Source,
  roles: Roles,
  row: number,
  position: number,
  options: LogOptions,
): Promise<never> {
  const record = row - position;
  const named = (column: number | undefined, alias: string) =>
    `${column === undefined ? 'NULL' : `${source.expressions[column]}::VARCHAR`} AS ${alias}`;
  type Values = Record<'user' | 'item' | 'time' | 'rating', string | null>;
  const values = await db.row<Values>(
    `SELECT ${(['user', 'item', 'time', 'rating'] as const).map((role) => named(roles[role], role)).join(', ')} ${source.from} LIMIT 1 OFFSET ${record}`,
  );
  const bad = await db.row<Record<keyof Values, boolean>>(
    `SELECT user IS NULL AS user, item IS NULL AS item, time IS NULL AS time, rating IS NULL OR isnan(rating) AS rating
     FROM log WHERE rowid = ${row}`,
  );
  const role = (['user', 'item', 'time', 'rating'] as const).find((name) => bad[name])!;
  const value = JSON.stringify(values[role] ?? '');
  const where =
    source.format === 'parquet'
      ? `${source.file}, row ${record + 1}`
      : `${source.file}, line ${lineOfRecord(source.path, record + Number(source.format === 'text' && source.hasHeader), source.quoted)}`;
  const column = source.hasHeader ? source.names[roles[role]!] : `column ${roles[role]! + 1}`;
  if (role === 'user' || role === 'item')
    throw new InputError(`${where}: the ${role} id (${column}) is empty; every interaction needs one`);
  if (role === 'rating') throw new InputError(`${where}: ${value} (${column}) is not a rating; give a number`);
  const format = options.timeFormat ?? 'a number or a date as the times before it';
  throw new InputError(`${where}: ${value} (${column}) is not a time; give ${format}, or say --time-format`);
}

export async function reading<T>(source: Source, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    // Only what DuckDB says of the file itself: an abort and a lack of memory have their own words.
    if (error instanceof Error && /^(Invalid Input|IO|Conversion|TransactionContext|Serialization)/.test(error.message))
      throw unreadable(source.file, source.path, error);
    throw error;
  }
}
