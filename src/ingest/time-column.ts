import { InputError } from '../base/errors.js';
import { printable, quoted } from '../base/printable.js';
import { columnName, guessColumn } from './columns.js';
import { type Database, literal } from './database.js';
import {
  areNumbers,
  areTimes,
  areUnique,
  disagreesWithLines,
  exampleOf,
  falls,
  mayBeTimes,
  type Profile,
  SAMPLE,
} from './profile.js';
import { reading, type Source } from './source.js';

/** Words in the name of a column of times. */
const TIME =
  /^(time|times|timestamp|tstamp|stamp|datetime|date|dt|ts|at|on|when|day|epoch|unix|utc|moment)$|(timestamp|datetime|time|date)$/;
/** Words in the name of a time of something other than the interaction, or of a duration. */
const OTHER_TIME =
  /^(release|released|birth|birthday|dob|signup|joined|registered|registration|expiry|expires|expiration|due|updated|modified|deleted|duration|spent|dwell|watch|elapsed|total|runtime|playtime|lifetime|age|zone|timezone|year|month)$/;
/** Words in the name of a column that counts interactions. An index that pandas wrote has no name. */
const COUNTER = /^(seq|sequence|step|position|pos|index|idx|order|row|nr|no|num|counter|id|unnamed|)$/;
/** Words in the name of a column of ids, which may look like times. */
const ID = /^(id|ids|uid|sku|code|zip|phone|ean|isbn|upc|asin|number)$/;

export interface TimeColumn {
  readonly column?: number | undefined;
  /** What the user should know about the choice. */
  readonly note?: string;
}

export interface TimeRequest {
  readonly source: Source;
  readonly profiles: readonly Profile[];
  readonly user: number;
  /** Columns that are something else. */
  readonly taken: readonly (number | undefined)[];
  /** In a log without a header, if user and item are in their assumed places: the column that is assumed to hold the time. */
  readonly assumed?: number | undefined;
}

/**
 * Finds the column of times: by its name if that is well known, by the words of its name together with its values, or in a log without a header by
 * its values.
 * @throws InputError if a column may hold times but this is not certain, or the lines are not in the order of a column that counts them
 */
export async function findTimeColumn(db: Database, request: TimeRequest): Promise<TimeColumn> {
  const { source, profiles, taken } = request;
  const free = profiles.flatMap((_, i) => (taken.includes(i) ? [] : [i]));
  const sure = free.filter((i) => isSure(request, i));
  const known = source.hasHeader ? guessColumn(source, 'time') : request.assumed;
  if (known !== undefined && free.includes(known)) {
    const others = sure.filter((i) => i !== known).map((i) => columnName(source, i));
    if (!source.hasHeader || others.length === 0) return { column: known };
    return {
      column: known,
      note: `${source.file}: ${others.join(', ')} may hold times too; --time-col says otherwise`,
    };
  }
  if (sure.length === 1) {
    const [column] = sure;
    const name = columnName(source, column);
    return {
      column,
      note: `${source.file}: ${name} (${quoted(exampleOf(profiles[column]))}) is taken for the time; --time-col or --no-time says otherwise`,
    };
  }
  const doubts: readonly Doubt[] =
    sure.length > 0 ? sure.map((i) => ({ i, why: '' })) : await findDoubts(db, request, free);
  if (doubts.length === 0) return {};
  const [first] = doubts;
  const what = doubts
    .slice(0, 3)
    .map(({ i, why }) => `${columnName(source, i)} (${quoted(exampleOf(profiles[i]))}${why && `, ${why}`})`);
  const flag = source.hasHeader && source.names[first.i] !== '' ? printable(source.names[first.i]) : first.i + 1;
  throw new InputError(
    `${source.file}: no column is known to hold the time, but ${what.join(' or ')} may; say which by --time-col ${flag}${first.flags ?? ''}, or confirm by --no-time that the order of the lines counts`,
  );
}

/** Whether name and values both say so, or the values in a log without names. */
function isSure({ source, profiles, user }: TimeRequest, i: number): boolean {
  if (!source.hasHeader) return areTimes(profiles[i]);
  const words = wordsOf(source.names[i]);
  if (!words.some((word) => TIME.test(word)) || words.some((word) => OTHER_TIME.test(word))) return false;
  return mayBeTimes(profiles[i], profiles[user]);
}

interface Doubt {
  readonly i: number;
  readonly why: string;
  /** That would read it. */
  readonly flags?: string;
}

async function findDoubts(db: Database, request: TimeRequest, free: readonly number[]): Promise<Doubt[]> {
  const { source, profiles, user } = request;
  if (!source.hasHeader) return [];
  const rating = guessColumn(source, 'rating');
  const doubts: Doubt[] = [];
  for (const i of free) {
    const words = wordsOf(source.names[i]);
    const named = words.some((word) => TIME.test(word));
    const profile = profiles[i];
    const numbers = areNumbers(profile, () => true);
    if (areTimes(profile)) {
      if (!words.some((word) => ID.test(word))) doubts.push({ i, why: 'which looks like a time' });
    } else if (named && numbers) {
      doubts.push({ i, why: 'by its name' });
    } else if (!numbers && i !== rating && LIKE_DATE.test(exampleOf(profile))) {
      const formats = (await formatsOf(db, source, i)).map((format) => JSON.stringify(format));
      const flags = ` --time-format ${formats.join(' or ')}`;
      if (formats.length > 0) doubts.push({ i, why: 'which looks like a date', flags });
    } else if (
      words.some((word) => COUNTER.test(word)) &&
      areUnique(profile) &&
      areNumbers(profile, Number.isInteger)
    ) {
      if (disagreesWithLines(profile, profiles[user]))
        doubts.push({ i, why: 'which counts in another order than the lines' });
    } else if (i !== rating && falls(profile, profiles[user])) {
      doubts.push({ i, why: 'which falls from line to line, as where the newest comes first' });
    }
  }
  return doubts;
}

/** The words of a name such as `event_timestamp`, `unixReviewTime`, `TIMESTAMP_MS`, in lower case. */
function wordsOf(name: string): string[] {
  if (name === '') return [''];
  const spaced = name.replace(/(\p{Ll}|\d)(\p{Lu})/gu, '$1 $2').toLowerCase();
  return spaced.split(/[^\p{L}]+/u).filter((word) => word !== '');
}

/** Two numbers with a separator between. */
const LIKE_DATE = /^(?=.{6,40}$).*\d[-/.:, ]+\w*[-/.:, ]*\d/;

const DATES = [
  '%d/%m/%Y',
  '%m/%d/%Y',
  '%d.%m.%Y',
  '%d-%m-%Y',
  '%m-%d-%Y',
  '%d/%m/%y',
  '%m/%d/%y',
  '%d.%m.%y',
  '%d %b %Y',
  '%b %d, %Y',
  '%B %d, %Y',
  '%m %d, %Y',
];
const CLOCKS = ['', ' %H:%M', ' %H:%M:%S', ' %I:%M %p', ' %I:%M:%S %p'];
/** Formats of times that are neither numbers nor ISO 8601: dates with or without a clock, and those of mail, server logs and Twitter. */
const FORMATS = [
  ...DATES.flatMap((date) => CLOCKS.map((clock) => date + clock)),
  '%a, %d %b %Y %H:%M:%S %Z',
  '%d/%b/%Y:%H:%M:%S %z',
  '%a %b %d %H:%M:%S %z %Y',
  '%a %b %d %H:%M:%S %Y',
];

/** The formats that read each of a column's first values. */
export async function formatsOf(db: Database, source: Source, column: number): Promise<string[]> {
  const fits = FORMATS.map((format, i) => `bool_and(try_strptime(v, ${literal(format)}) IS NOT NULL) AS f${i}`);
  const values = `SELECT trim(${source.expressions[column]}::VARCHAR) AS v ${source.from} LIMIT ${SAMPLE}`;
  const found = await reading(source, () =>
    db.row<Record<string, boolean | null>>(`SELECT ${fits.join(', ')} FROM (${values}) WHERE v <> ''`),
  );
  return FORMATS.filter((_, i) => found[`f${i}`]);
}
