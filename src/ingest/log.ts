import { InputError } from '../base/errors.js';
import type { Database } from './database.js';
import { isWanted } from './events.js';
import { areMostlyNumbers, EPOCH, epochUnit } from './profile.js';
import { isMissing, refuseRagged, refuseValue } from './refuse.js';
import { chooseRoles, describeRoles, type Layout, type RoleOptions } from './roles.js';
import { idExpression, reading, type Source } from './source.js';
import { openSource } from './sources.js';
import { MICROSECONDS, say, type TimeKind, timeExpression } from './times.js';

export interface LogOptions extends RoleOptions {
  /** For unpacked files. */
  readonly folder: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (step: string) => void;
}

/** What was read. */
export interface Log {
  readonly rows: number;
  readonly times: TimeKind;
  /** For each file, which column had which role. */
  readonly columns: readonly string[];
  /** What was guessed and the user should know. */
  readonly notes: readonly string[];
}

/**
 * Reads files, in this order, into the table
 * `log(user VARCHAR, item VARCHAR, time DOUBLE, rating DOUBLE, event VARCHAR, part TINYINT)`, whose rowid is the interaction's position in
 * the log. A moment is in microseconds since 1970, UTC; times are 0 where there are none, events NULL where they are not told apart.
 * @param parts files of each part: of one, or of training, validation and test
 * @throws InputError naming file, line and value
 */
export async function readLog(db: Database, parts: readonly (readonly string[])[], options: LogOptions): Promise<Log> {
  await db.run('CREATE TABLE log(user VARCHAR, item VARCHAR, time DOUBLE, rating DOUBLE, event VARCHAR, part TINYINT)');
  const columns: string[] = [];
  const notes: string[] = [];
  let times: TimeKind | undefined;
  let unit: { size: number; file: string } | undefined;
  let rows = 0;
  for (const [part, files] of parts.entries()) {
    for (const file of files) {
      options.onProgress?.(`reading ${file}`);
      const source = await openLog(db, file, options);
      const layout = await chooseRoles(db, source, options);
      const kind = timeKind(source, layout, options.timeFormat);
      if (times !== undefined && kind !== times)
        throw new InputError(
          `${file} has ${SAID[kind]}, but the files before it have ${SAID[times]}; import them separately or name --time-col`,
        );
      times = kind;
      const size = kind === 'number' ? epochUnit(layout.profiles[layout.roles.time!]) : undefined;
      if (unit !== undefined && size !== undefined && size !== unit.size)
        throw new InputError(
          `${file} counts time in ${UNITS[size]}, but ${unit.file} in ${UNITS[unit.size]}; convert them to one unit`,
        );
      if (size !== undefined) unit ??= { size, file };
      columns.push(describeRoles(source, layout));
      notes.push(...source.notes, ...layout.notes);
      const count = await append(db, source, layout, kind, part, options, rows);
      notes.push(...(await noteStrayTimes(db, source, kind, kind === 'moment' ? MICROSECONDS : size, rows)));
      rows += count;
    }
  }
  if (rows === 0) throw new InputError(`${parts.flat().join(', ')}: no interactions in there, only a header`);
  return { rows, times: times!, columns, notes };
}

/** A log as `readLog` opens it. */
export function openLog(db: Database, file: string, options: LogOptions): Promise<Source> {
  const { userCol, itemCol, timeCol, ratingCol, eventCol } = options;
  return openSource(db, file, options.folder, { ...options, named: [userCol, itemCol, timeCol, ratingCol, eventCol] });
}

const UNITS: Record<number, string> = { 1: 'seconds', 1e3: 'milliseconds', 1e6: 'microseconds', 1e9: 'nanoseconds' };
const SAID: Record<TimeKind, string> = { number: 'times as numbers', moment: 'dates', none: 'no times' };

function timeKind(source: Source, { roles, profiles }: Layout, format?: string): TimeKind {
  if (roles.time === undefined) return 'none';
  const type = source.types[roles.time];
  if (/^(TIMESTAMP|DATE)/.test(type)) return 'moment';
  if (type !== 'VARCHAR') return 'number';
  return format !== undefined || !areMostlyNumbers(profiles[roles.time]) ? 'moment' : 'number';
}

/** Appends a file to the log. @returns how many rows it has */
async function append(
  db: Database,
  source: Source,
  layout: Layout,
  kind: TimeKind,
  part: number,
  options: LogOptions,
  position: number,
): Promise<number> {
  const { roles } = layout;
  const { expressions, types } = source;
  const time =
    kind === 'none' ? '0' : timeExpression(expressions[roles.time!], types[roles.time!], kind, options.timeFormat);
  const rating = roles.rating === undefined ? '0' : `try_cast(${expressions[roles.rating]} AS DOUBLE)`;
  const event = roles.event === undefined ? 'NULL' : `trim(${expressions[roles.event]}::VARCHAR)`;
  await reading(source, () =>
    db.run(
      `INSERT INTO log SELECT ${idExpression(source, roles.user)}, ${idExpression(source, roles.item)}, ${time}, ${rating}, ${event}, ${part} ${source.from}`,
    ),
  );
  await refuseRagged(db, source);
  const { rows, bad } = await db.row<{ rows: string; bad: string | null }>(
    `SELECT count(*) AS rows, min(rowid) FILTER ((${isMissing()}) AND ${isWanted(options)}) AS bad FROM log WHERE rowid >= ${position}`,
  );
  if (bad !== null) await refuseValue(db, source, layout, Number(bad), position, options);
  return Number(rows);
}

/** The largest share of a file's times that may be far from the others for a note about them. More of them are intended. */
const MOST_STRAY = 0.1;

/** A note if a few of a file's times are far from the others: zeros for unknown times, or another unit. */
async function noteStrayTimes(
  db: Database,
  { file }: Source,
  kind: TimeKind,
  unit: number | undefined,
  position: number,
): Promise<string[]> {
  if (unit === undefined) return [];
  const stray = `time < ${EPOCH[0] * unit} OR time >= ${EPOCH[1] * unit}`;
  const { rows, count, example } = await db.row<{ rows: string; count: string; example: number | null }>(
    `SELECT count(*) AS rows, count(*) FILTER (${stray}) AS count, min(time) FILTER (${stray}) AS example FROM log WHERE rowid >= ${position}`,
  );
  if (example === null || Number(count) > MOST_STRAY * Number(rows)) return [];
  const times = Number(count).toLocaleString('en-US');
  return [`${file}: times before 1990 or after 2100: ${times}, such as ${say(example, kind)}; they count as they are`];
}
