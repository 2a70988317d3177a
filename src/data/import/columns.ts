import { InputError } from '../../engine/errors.js';

/** `entry` is the item in a table of titles, where a plain `id` or `code` must be it; in a log it may be the row's. */
export type Role = 'user' | 'item' | 'time' | 'rating' | 'title' | 'entry';

const ITEM =
  'item itemid iid product productid parentasin asin stockcode sku movieid bookid isbn trackid songid artistid articleid newsid videoid gameid appid businessid movie book track song artist article video game';

/** Well-known names of each column, the surest first, without case and signs: `InvoiceDate`, `invoice_date` are one. */
const KNOWN: Record<Role, readonly string[]> = {
  user: words(
    'user userid uid username reviewerid customer customerid client clientid member memberid visitor visitorid account accountid profileid session sessionid',
  ),
  item: words(ITEM),
  entry: words(`${ITEM} code id`),
  time: words(
    'timestamp time datetime date ts unixreviewtime unixtime createdat eventtime invoicedate orderdate purchasedate reviewtime reviewdate tdat',
  ),
  rating: words('rating ratings stars overall score ratingvalue'),
  title: words('title itemtitle movietitle producttitle booktitle name itemname productname description label'),
};

/** What columns hold where nothing names them, by how many there are. */
const UNNAMED: Record<number, readonly Role[]> = {
  2: ['user', 'item'],
  3: ['user', 'item', 'time'],
  4: ['user', 'item', 'rating', 'time'],
};

/** A table's columns as far as its first line tells. */
export interface Columns {
  /** As the user named it; errors say this. */
  readonly file: string;
  readonly names: readonly string[];
  readonly hasHeader: boolean;
}

/** The column known to play a role, or undefined. */
export function guessColumn({ names, hasHeader }: Columns, role: Role): number | undefined {
  if (!hasHeader) return position(UNNAMED[Math.min(names.length, 4)]?.indexOf(role) ?? -1);
  const plain = names.map(plainName);
  const name = KNOWN[role].find((known) => plain.includes(known));
  return name === undefined ? undefined : plain.indexOf(name);
}

/**
 * The column a flag names, or the one known to play the role.
 * @param flag such as `--user-col`
 * @throws InputError when it is not there, or nothing tells which it is
 */
export function findColumn(columns: Columns, role: Role, flag: string, named: string | undefined): number {
  const found = named === undefined ? guessColumn(columns, role) : namedColumn(columns, flag, named);
  if (found === undefined)
    throw new InputError(
      `${columns.file}, line 1: no column is known to hold the ${role === 'entry' ? 'item' : role}; name one by ${flag}: ${listed(columns)}${columns.hasHeader ? ' (--no-header where this line is data)' : ''}`,
    );
  return found;
}

function namedColumn(columns: Columns, flag: string, named: string): number {
  const { file, names, hasHeader } = columns;
  const number = !hasHeader && /^[1-9]\d*$/.test(named) ? Number(named) - 1 : -1;
  const candidates = [names.indexOf(named), names.findIndex((name) => plainName(name) === plainName(named)), number];
  const found = candidates.find((index) => index >= 0 && index < names.length);
  if (found === undefined)
    throw new InputError(`${file}, line 1: ${flag} ${named}: there is no such column; there are ${listed(columns)}`);
  return found;
}

function listed({ names, hasHeader }: Columns): string {
  return hasHeader ? names.join(', ') : `columns 1 to ${names.length}, without names`;
}

function plainName(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
}

function position(index: number): number | undefined {
  return index < 0 ? undefined : index;
}

function words(text: string): readonly string[] {
  return text.split(' ');
}
