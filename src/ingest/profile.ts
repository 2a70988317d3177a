import { type Database, literal } from './database.js';
import { reading, type Source } from './source.js';

/** How many rows are examined to find out what columns hold. */
export const SAMPLE = 1000;

/** The least share of a column's values that must be of a kind for the column to count as that kind, so that a single odd value does not hide it. */
const MOST = 0.9;

/** From 1990 to 2100, in seconds since 1970. */
export const EPOCH = [6.3e8, 4.1e9] as const;
/** Units in a second: seconds, milliseconds, microseconds, nanoseconds. */
const EPOCH_UNITS = [1, 1e3, 1e6, 1e9];

/** The first rows of a column. */
export interface Profile {
  /** As text; null for a missing value. */
  readonly values: readonly (string | null)[];
  /** Null if a value is not a number. */
  readonly numbers: readonly (number | null)[];
  /** Whether a value is a date in ISO 8601, or in the given format. */
  readonly moments: readonly boolean[];
}

/**
 * The first rows of each column.
 * @param timeFormat a format of times, besides ISO 8601
 * @throws InputError naming the file if they cannot be read
 */
export async function profileColumns(db: Database, source: Source, timeFormat?: string): Promise<Profile[]> {
  const moment = (value: string) =>
    `(try_cast(${value} AS TIMESTAMPTZ) IS NOT NULL${timeFormat === undefined ? '' : ` OR try_strptime(${value}, ${literal(timeFormat)}) IS NOT NULL`})`;
  const columns = source.expressions.map((value, i) => `${value}::VARCHAR AS v${i}`).join(', ');
  const read = source.expressions.map((_, i) => [
    `v${i}`,
    `try_cast(v${i} AS DOUBLE) AS n${i}`,
    `${moment(`v${i}`)} AS m${i}`,
  ]);
  const rows = await reading(source, () =>
    db.rows<Record<string, string | number | boolean | null>>(
      `SELECT ${read.flat().join(', ')} FROM (SELECT ${columns} ${source.from} LIMIT ${SAMPLE})`,
    ),
  );
  return source.expressions.map((_, i) => ({
    values: rows.map((row) => row[`v${i}`] as string | null),
    // DuckDB returns infinities and NaN as text.
    numbers: rows.map((row) => (typeof row[`n${i}`] === 'number' ? (row[`n${i}`] as number) : null)),
    moments: rows.map((row) => row[`m${i}`] === true && row[`n${i}`] === null),
  }));
}

/** The first value, for a message. */
export function exampleOf({ values }: Profile): string {
  return values.find(isFilled) ?? '';
}

/** Whether a column holds times: dates, numbers since 1970 of one unit, or days such as 20141205. */
export function areTimes(profile: Profile): boolean {
  return areMoments(profile) || epochUnit(profile) !== undefined || areNumbers(profile, isDay);
}

/** Whether a column may be used for times: it holds times, or numbers of any unit that rise with the lines, so that sorting changes nothing. */
export function mayBeTimes(profile: Profile, users: Profile): boolean {
  return areTimes(profile) || (areNumbers(profile, (n) => n >= 0) && rises(profile, users));
}

/** How many units there are in a second, if numbers look like times since 1970. */
export function epochUnit(profile: Profile): number | undefined {
  return EPOCH_UNITS.find((unit) => areNumbers(profile, (n) => n >= EPOCH[0] * unit && n < EPOCH[1] * unit));
}

export function areMoments({ values, moments }: Profile): boolean {
  return areMost(values, (_, row) => moments[row]);
}

/** Whether a column holds numbers with a property. */
export function areNumbers({ values, numbers }: Profile, property: (n: number) => boolean): boolean {
  return areMost(values, (_, row) => numbers[row] !== null && property(numbers[row]));
}

/** Whether a column holds more numbers than other values, so that it is probably meant to hold numbers. */
export function areMostlyNumbers({ values, numbers }: Profile): boolean {
  return (
    2 * values.filter((value, row) => isFilled(value) && numbers[row] === null).length <= values.filter(isFilled).length
  );
}

/** Whether a column holds lists or objects as written by JSON, Python or DuckDB. */
export function areLists({ values }: Profile): boolean {
  return areMost(values, (value) => /^\s*(\[.*\]|\{.*\})\s*$/s.test(value));
}

/** Whether sorting by a column, within each user, would change something. */
export function disagreesWithLines(profile: Profile, users: Profile): boolean {
  return pairs(profile, (row) => users.values[row]).some(([before, at]) => at < before);
}

/** Whether numbers rise from line to line, or reliably enough within each user, so that sorting by them changes nothing. */
function rises(profile: Profile, users: Profile): boolean {
  const neverFalls = (found: readonly (readonly [number, number])[]) => found.every(([before, at]) => before <= at);
  const ofUsers = pairs(profile, (row) => users.values[row]);
  return neverFalls(pairs(profile)) || (ofUsers.length >= FEWEST_PAIRS && neverFalls(ofUsers));
}

/** Whether numbers fall from line to line, or within each user, as in a log with the newest first. */
export function falls(profile: Profile, users: Profile): boolean {
  const alwaysFalls = (found: readonly (readonly [number, number])[]) =>
    found.length >= FEWEST_PAIRS && found.every(([before, at]) => at < before);
  return alwaysFalls(pairs(profile)) || alwaysFalls(pairs(profile, (row) => users.values[row]));
}

/** This many in the same order are no accident. */
const FEWEST_PAIRS = 10;

/** Each number with its predecessor in the same group. */
function pairs(
  { numbers }: Profile,
  group: (row: number) => string | null = () => null,
): (readonly [number, number])[] {
  const last = new Map<string | null, number>();
  return numbers.flatMap((number, row) => {
    if (number === null) return [];
    const before = last.get(group(row));
    last.set(group(row), number);
    return before === undefined ? [] : [[before, number] as const];
  });
}

/** Whether all values are distinct. */
export function areUnique({ values }: Profile): boolean {
  return new Set(values).size === values.length;
}

function areMost(values: Profile['values'], property: (value: string, row: number) => boolean): boolean {
  let filled = 0;
  let having = 0;
  for (const [row, value] of values.entries()) {
    if (!isFilled(value)) continue;
    filled++;
    if (property(value, row)) having++;
  }
  return filled > 0 && having >= MOST * filled;
}

function isFilled(value: string | null): value is string {
  return value !== null && value.trim() !== '';
}

/** A day as a number, 20141205. */
function isDay(n: number): boolean {
  const [year, month, day] = [Math.floor(n / 10_000), Math.floor(n / 100) % 100, n % 100];
  return Number.isInteger(n) && year >= 1990 && year < 2100 && month >= 1 && month <= 12 && day >= 1 && day <= 31;
}
