import { InputError } from '../base/errors.js';
import { quoted, shortened } from '../base/printable.js';
import { columnName, guessColumn, knownColumn, namedColumn } from './columns.js';
import type { Database } from './database.js';
import type { ReadOptions } from './options.js';
import {
  areLists,
  areMoments,
  areNumbers,
  areTimes,
  exampleOf,
  mayBeTimes,
  type Profile,
  profileColumns,
} from './profile.js';
import type { Source } from './source.js';
import { findTimeColumn } from './time-column.js';

/** Column numbers. */
export interface Roles {
  readonly user: number;
  readonly item: number;
  readonly time?: number | undefined;
  readonly rating?: number | undefined;
  readonly event?: number | undefined;
}

export interface RoleOptions extends ReadOptions {
  readonly minRating?: number;
}

/** The roles of a source's columns. */
export interface Layout {
  readonly roles: Roles;
  readonly profiles: readonly Profile[];
  /** What was found out and the user should know. */
  readonly notes: readonly string[];
}

/**
 * Finds out which column has which role, if flags do not say.
 * @throws InputError naming the file and the flags to use, if the roles are unclear or columns do not hold what their roles need
 */
export async function chooseRoles(db: Database, source: Source, options: RoleOptions): Promise<Layout> {
  const { userCol, itemCol, timeCol, ratingCol, eventCol, minRating, events } = options;
  // What flags name comes first: an error should be about what the user wrote, not about a guess.
  const given = {
    user: namedColumn(source, '--user-col', userCol),
    item: namedColumn(source, '--item-col', itemCol),
    time: namedColumn(source, '--time-col', timeCol),
    rating: namedColumn(source, '--rating-col', ratingCol),
    event: namedColumn(source, '--event-col', eventCol),
  };
  const user = given.user ?? knownColumn(source, 'user', '--user-col');
  const item = given.item ?? knownColumn(source, 'item', '--item-col');
  const rating = given.rating ?? (minRating === undefined ? undefined : knownColumn(source, 'rating', '--rating-col'));
  const event = given.event ?? (events === undefined ? undefined : knownColumn(source, 'event', '--event-col'));
  if (user === item)
    throw new InputError(`${source.file}, line 1: column ${columnName(source, user)} cannot be user and item at once`);
  const profiles = await profileColumns(db, source, options.timeFormat);
  refuseLists(source, profiles[user], 'user', user);
  refuseLists(source, profiles[item], 'item', item);
  const assumed = !source.hasHeader && given.user === undefined && given.item === undefined;
  const free = (column: number | undefined) =>
    column !== undefined && ![user, item, rating, event].includes(column) ? column : undefined;
  const assumedTime = assumed ? free(guessColumn(source, 'time')) : undefined;
  if (assumed)
    refuseMisfit(
      source,
      profiles,
      { user, item, rating: given.rating ?? guessColumn(source, 'rating'), time: given.time ?? assumedTime },
      options,
    );
  const found =
    given.time !== undefined || options.time === false
      ? { column: given.time }
      : await findTimeColumn(db, {
          source,
          profiles,
          user,
          taken: [user, item, rating, event],
          assumed: assumedTime,
        });
  const kinds = event === undefined ? describeEvents(source, profiles) : undefined;
  return {
    roles: {
      user,
      item,
      time: found.column,
      rating: minRating === undefined ? undefined : rating,
      event: events === undefined ? undefined : event,
    },
    profiles,
    notes: [found.note, kinds].filter((note) => note !== undefined),
  };
}

/** `log.csv: user = user_id, item = item_id, time = timestamp` */
export function describeRoles(source: Source, { roles }: Layout): string {
  if (source.format === 'sequences') return `${source.file}: ${source.about}`;
  const named = Object.entries(roles).flatMap(([role, column]) =>
    column === undefined ? [] : `${role} = ${columnName(source, column)}`,
  );
  const order = roles.time === undefined ? ['no time: the order of the lines counts'] : [];
  return `${source.file}: ${[...named, ...order].join(', ')}`;
}

function refuseLists(source: Source, profile: Profile, role: 'user' | 'item', column: number): void {
  const typed = /\[\d*\]$|^(STRUCT|MAP|UNION)/.test(source.types[column]);
  if (!typed && !areLists(profile)) return;
  const example = exampleOf(profile);
  const inside = /^\s*\{/.test(example) ? `, or one inside: --${role}-col ${columnName(source, column)}.KEY` : '';
  throw new InputError(
    `${source.file}: column ${columnName(source, column)} holds lists or objects such as ${quoted(example)}, and ${role === 'item' ? 'an item' : 'a user'} is one value; name another by --${role}-col${inside}`,
  );
}

/** The longest value in the rows that an error shows. */
const MOST_SHOWN = 60;

type Assumed = Pick<Roles, 'user' | 'item' | 'rating' | 'time'>;

/** Throws if the columns of a log without a header cannot hold what their positions suggest. */
function refuseMisfit(source: Source, profiles: readonly Profile[], roles: Assumed, options: RoleOptions): void {
  const { user, item, rating, time } = roles;
  const isId = (i: number) => !areMoments(profiles[i]) && !areNumbers(profiles[i], (n) => n % 1 !== 0 || n < 0);
  const wrong: [number, string] | undefined =
    [user, item]
      .filter((i) => !isId(i))
      .map((i): [number, string] => [i, i === user ? 'no user id' : 'no item id'])[0] ??
    (rating !== undefined && rating !== time && !areNumbers(profiles[rating], () => true)
      ? [rating, 'no rating']
      : undefined) ??
    (time !== undefined &&
    options.time !== false &&
    options.timeCol === undefined &&
    !mayBeTimes(profiles[time], profiles[user])
      ? [time, 'no time']
      : undefined);
  if (!wrong) return;
  const times = profiles.flatMap((profile, i) => (areTimes(profile) ? [i] : []));
  const ids = profiles.flatMap((_, i) => (isId(i) && !times.includes(i) ? [i] : []));
  const flags = [
    `--user-col ${(ids[0] ?? user) + 1}`,
    `--item-col ${(ids.find((i) => i > (ids[0] ?? user)) ?? item) + 1}`,
    times.length > 0 ? `--time-col ${times[0] + 1}` : '--no-time',
  ];
  const said = Object.entries(roles).filter(([, column]) => column !== undefined) as [string, number][];
  const rows = profiles[0].values
    .slice(0, 3)
    .map((_, row) =>
      said
        .map(([role, column]) => `${role} ${shortened(quoted(profiles[column].values[row] ?? ''), MOST_SHOWN)}`)
        .join(', '),
    );
  throw new InputError(
    `${source.file} has no header, and column ${wrong[0] + 1} (${quoted(exampleOf(profiles[wrong[0]]))}) is ${wrong[1]}; its first rows would be read as ${rows.join('; ')}; name the columns by number, such as ${flags.join(' ')}, or look with --preview`,
  );
}

/** A column with more distinct values does not hold kinds of events. */
const MOST_KINDS = 20;

/** A note if a log holds events of several kinds, all of which count. */
function describeEvents(source: Source, profiles: readonly Profile[]): string | undefined {
  const column = source.hasHeader ? guessColumn(source, 'event') : undefined;
  if (column === undefined) return undefined;
  const kinds = [...new Set(profiles[column].values.filter((value) => value?.trim()))];
  if (kinds.length < 2 || kinds.length > MOST_KINDS) return undefined;
  return `${source.file}: ${columnName(source, column)} tells events apart (${kinds.map((kind) => quoted(kind)).join(', ')}), and all count; --events names those that do`;
}
