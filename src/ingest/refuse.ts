import { InputError } from '../base/errors.js';
import { printable, quoted } from '../base/printable.js';
import { columnName, guessColumn } from './columns.js';
import type { Database } from './database.js';
import { lineAt, lineOfRecord } from './locate.js';
import type { Layout, RoleOptions } from './roles.js';
import type { Source } from './source.js';
import { formatsOf } from './time-column.js';

/** Throws for the first line that DuckDB could not parse. */
export async function refuseRagged(db: Database, source: Source): Promise<void> {
  if (source.format !== 'text') return;
  const [reject] = await db.rows<{ byte: string; type: string; text: string; message: string }>(
    `SELECT line_byte_position AS byte, error_type AS type, csv_line AS text, error_message AS message
     FROM reject_errors WHERE scan_id = (SELECT max(scan_id) FROM reject_scans) ORDER BY byte_position LIMIT 1`,
  );
  if (!reject) return;
  const { file, path, names } = source;
  const where = `${file}, line ${lineAt(path, Number(reject.byte) - 1)}: ${quoted(reject.text.trim().slice(0, 80))}`;
  if (/COLUMNS$/.test(reject.type)) {
    const few = reject.type.startsWith('MISSING');
    const hint = few || source.quoted ? '' : '; --sequences reads a user and then their items from each line';
    throw new InputError(`${where} has too ${few ? 'few' : 'many'} fields; line 1 has ${names.length}${hint}`);
  }
  const hint = /QUOTE/.test(reject.type) ? '; if quotes are ordinary characters here, say --no-quotes' : '';
  throw new InputError(`${where}: ${printable(reject.message.split('\n')[0])}${hint}`);
}

const ROLES = ['user', 'item', 'time', 'rating'] as const;

/** SQL for whether a row of the log lacks something. */
export function isMissing(): string {
  return 'user IS NULL OR item IS NULL OR time IS NULL OR rating IS NULL OR isnan(rating)';
}

/** Throws for a row whose id, time or rating is missing or invalid. */
export async function refuseValue(
  db: Database,
  source: Source,
  { roles }: Layout,
  row: number,
  position: number,
  options: RoleOptions,
): Promise<never> {
  const record = row - position;
  const named = (column: number | undefined, alias: string) =>
    `${column === undefined ? 'NULL' : `${source.expressions[column]}::VARCHAR`} AS ${alias}`;
  type Values = Record<(typeof ROLES)[number], string | null>;
  const values = await db.row<Values>(
    `SELECT ${ROLES.map((role) => named(roles[role], role)).join(', ')} ${source.from} LIMIT 1 OFFSET ${record}`,
  );
  const bad = await db.row<Record<keyof Values, boolean>>(
    `SELECT user IS NULL AS user, item IS NULL AS item, time IS NULL AS time, rating IS NULL OR isnan(rating) AS rating
     FROM log WHERE rowid = ${row}`,
  );
  const role = ROLES.find((name) => bad[name])!;
  const value = quoted(values[role] ?? '');
  const where = `${source.file}, ${placeOf(source, record)}`;
  const column = columnName(source, roles[role]!);
  if ((role === 'user' || role === 'item') && (values[role] ?? '').trim() !== '')
    throw new InputError(`${where}: the ${role} id (${column}) is ${value}, a list or an object; an id is one value`);
  if (role === 'user' || role === 'item') {
    const kinds = guessColumn(source, 'event') === undefined ? '' : ', and --events those of other kinds';
    throw new InputError(
      `${where}: the ${role} id (${column}) is empty; every interaction needs one; --drop-incomplete leaves such rows out${kinds}`,
    );
  }
  if (role === 'rating') throw new InputError(`${where}: ${value} (${column}) is not a rating; give a number`);
  const expected = options.timeFormat ?? 'a number or a date as the times before it';
  const fitting = options.timeFormat === undefined ? await formatsOf(db, source, roles.time!) : [];
  const hint = fitting.map((format) => `--time-format ${JSON.stringify(format)}`).join(' or ') || '--time-format';
  throw new InputError(`${where}: ${value} (${column}) is not a time; give ${expected}, or say ${hint}`);
}

/** Where a record is, counted from 0, or its line if it has one. */
function placeOf(source: Source, record: number): string {
  if (source.format === 'parquet') return `row ${record + 1}`;
  if (source.format === 'json array') return `record ${record + 1}`;
  const header = Number(source.format === 'text' && source.hasHeader);
  return `line ${lineOfRecord(source.path, record + header, source.quoted)}`;
}
