import { InputError } from '../base/errors.js';
import { type Database, literal } from './database.js';

/** In a second. */
export const MICROSECONDS = 1e6;

/** How a log has times: as numbers of any unit, as text or a type that names a moment, or not at all. */
export type TimeKind = 'number' | 'moment' | 'none';

/** SQL for a time in the log's terms; NULL if it is not a time. */
export function timeExpression(value: string, type: string, kind: Exclude<TimeKind, 'none'>, format?: string): string {
  // The type with a zone, because the one without ignores a zone in the text.
  let moment = `try_cast(${value} AS TIMESTAMPTZ)`;
  if (type !== 'VARCHAR') moment = type.startsWith('TIMESTAMP WITH') ? value : `try_cast(${value} AS TIMESTAMP)`;
  else if (format !== undefined) moment = `try_strptime(${value}, ${literal(format)})`;
  const time = kind === 'number' ? `try_cast(${value} AS DOUBLE)` : moment;
  const finite = `CASE WHEN isfinite(${time}) THEN ${time} END`;
  return kind === 'number' ? finite : `epoch_us(${finite})`;
}

/** From when interactions are held out, in the log's terms. */
export interface Periods {
  readonly valFrom: number;
  readonly testFrom: number;
}

/**
 * Interprets `--test-from` and `--val-from`. Without the latter, the validation period is as long as the test period and right before it.
 * @throws InputError if the log has no times, or nothing in a period
 */
export async function findPeriods(
  db: Database,
  kind: TimeKind,
  options: { testFrom: string; valFrom?: string | undefined; timeFormat?: string | undefined },
): Promise<Periods> {
  if (kind === 'none')
    throw new InputError('--split time needs times, and the log has none; name their column by --time-col');
  const { first, last } = await db.row<{ first: number; last: number }>(
    'SELECT min(time) AS first, max(time) AS last FROM events',
  );
  const within = (flag: string, text: string, time: number, until: number) => {
    if (time > first && time <= until) return time;
    throw new InputError(
      `${flag} ${text} must be later than ${say(first, kind)}, where the log begins, and not later than ${say(until, kind)}`,
    );
  };
  const parse = (flag: string, text: string) => parseTime(db, flag, text, kind, last, options.timeFormat);
  const testFrom = within('--test-from', options.testFrom, await parse('--test-from', options.testFrom), last);
  if (options.valFrom !== undefined)
    return {
      testFrom,
      valFrom: within('--val-from', options.valFrom, await parse('--val-from', options.valFrom), testFrom),
    };
  const valFrom = testFrom - (last - testFrom);
  if (valFrom > first) return { testFrom, valFrom };
  throw new InputError(
    `the test period from ${say(testFrom, kind)} is longer than all before it; say --val-from, or a later --test-from`,
  );
}

/** A number in the log's own unit, or a date. */
async function parseTime(
  db: Database,
  flag: string,
  text: string,
  kind: TimeKind,
  last: number,
  format?: string,
): Promise<number> {
  if (kind === 'number' && text.trim() !== '' && Number.isFinite(Number(text))) return Number(text);
  const iso = timeExpression(literal(text), 'VARCHAR', 'moment');
  const own = timeExpression(literal(text), 'VARCHAR', 'moment', format);
  const { moment } = await db.row<{ moment: string | null }>(`SELECT coalesce(${own}, ${iso}) AS moment`);
  if (moment === null)
    throw new InputError(
      `${flag} ${text} is not a time; give a date such as 2011-11-01${kind === 'number' ? ', or a number as in the log' : ''}`,
    );
  return kind === 'moment' ? Number(moment) : (Number(moment) / MICROSECONDS) * unitsPerSecond(last);
}

/** The unit of a time since 1970, by its size: seconds, or thousandths, millionths, billionths. */
function unitsPerSecond(time: number): number {
  return [1, 1e3, 1e6].find((units) => time < 1e11 * units) ?? 1e9;
}

/** The first time of a log, in seconds since 1970, that can be one: 1973. Smaller ones count something else, such as steps. */
const EARLIEST = 1e8;

/** How many of the log's units of time are in a day; undefined where times are no moments. */
export async function unitsPerDay(db: Database, kind: TimeKind): Promise<number | undefined> {
  if (kind === 'none') return undefined;
  if (kind === 'moment') return 86_400 * MICROSECONDS;
  const { last } = await db.row<{ last: number }>('SELECT max(time) AS last FROM events');
  return last < EARLIEST ? undefined : 86_400 * unitsPerSecond(last);
}

/** A time for a person. */
export function say(time: number, kind: TimeKind): string {
  if (kind !== 'moment') return String(time);
  const date = new Date(time / 1000);
  // DuckDB knows years that JavaScript does not.
  if (Number.isNaN(date.getTime())) return `${time / MICROSECONDS} seconds since 1970`;
  return date.toISOString().replace(/(:00)?\.000Z$/, '');
}
