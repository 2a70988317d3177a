import { InputError } from '../base/errors.js';
import { printable, shortened } from '../base/printable.js';

/** How many names of columns an error lists. */
const MOST_LISTED = 1000;

/** `entry` is the item in a table of titles, where a plain `id` or `code` must mean the item; in a log it may mean the row. */
export type Role = 'user' | 'item' | 'time' | 'rating' | 'event' | 'title' | 'category' | 'entry';

const ITEM =
  'item itemid iid product productid parentasin asin stockcode sku movieid bookid isbn trackid songid artistid articleid newsid videoid gameid appid businessid movie book track song artist article video game';

/** Well-known names of each column, the most certain first, without case and punctuation: `InvoiceDate` and `invoice_date` are the same. */
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
  event: words(
    'event eventtype eventname action actiontype behavior behaviour behaviortype interaction interactiontype',
  ),
  category: words('category maincategory productcategory itemcategory categoryname genre genres'),
  title: words('title itemtitle movietitle producttitle booktitle name itemname productname description label'),
};

/** What columns hold if nothing names them, by their number. */
const UNNAMED: Record<number, readonly Role[]> = {
  2: ['user', 'item'],
  3: ['user', 'item', 'time'],
  4: ['user', 'item', 'rating', 'time'],
};

/** A table's columns as far as its first line shows. */
export interface Columns {
  /** The file as the user named it, for errors. */
  readonly file: string;
  readonly names: readonly string[];
  readonly hasHeader: boolean;
  /** Whether it was guessed, not given, whether the first line names columns. */
  readonly headerFound?: boolean;
}

/** The column known to have a role, or undefined. */
export function guessColumn({ names, hasHeader }: Columns, role: Role): number | undefined {
  if (!hasHeader) return position(UNNAMED[Math.min(names.length, 4)]?.indexOf(role) ?? -1);
  const plain = names.map(plainName);
  const name = KNOWN[role].find((known) => plain.includes(known));
  return name === undefined ? undefined : plain.indexOf(name);
}

/** The column known to have a role. @throws InputError that says to name it by its flag, such as `--user-col` */
export function knownColumn(columns: Columns, role: Role, flag: string): number {
  const found = guessColumn(columns, role);
  if (found !== undefined && columns.hasHeader) refuseTwice(columns, found, flag);
  if (found === undefined)
    throw new InputError(
      `${columns.file}, line 1: no column is known to hold the ${role === 'entry' ? 'item' : role}; name one by ${flag}: ${listed(columns)}${columns.hasHeader && columns.headerFound ? ' (--no-header where this line is data)' : ''}`,
    );
  return found;
}

/** The column that a flag names, or numbers if no column has that name; undefined if the flag is not given. @throws InputError if there is no such column */
export function namedColumn(columns: Columns, flag: string, named: string | undefined): number | undefined {
  if (named === undefined) return undefined;
  const { file, names, hasHeader } = columns;
  const byName = hasHeader ? positionOf(names, named) : -1;
  if (byName >= 0) refuseTwice(columns, byName, flag);
  const found = byName < 0 && /^[1-9]\d*$/.test(named) ? Number(named) - 1 : byName;
  if (found < 0 || found >= names.length)
    throw new InputError(
      `${file}, line 1: ${flag} ${printable(named)}: there is no such column; there are ${listed(columns)}`,
    );
  return found;
}

function refuseTwice({ file, names }: Columns, column: number, flag: string): void {
  if (names.indexOf(names[column], column + 1) < 0) return;
  throw new InputError(
    `${file}, line 1: several columns are named ${printable(names[column])}; give the number of one, ${flag} ${column + 1} for the first`,
  );
}

/** How a person refers to a column. */
export function columnName({ names, hasHeader }: Columns, column: number): string {
  return hasHeader && names[column] !== '' ? printable(names[column]) : `column ${column + 1}`;
}

/** The index of a name among these, exactly or apart from case and punctuation; -1 if it is not there. */
export function positionOf(names: readonly string[], named: string): number {
  const exact = names.indexOf(named);
  const plain = plainName(named);
  return exact >= 0 || plain === '' ? exact : names.findIndex((name) => plainName(name) === plain);
}

function listed({ names, hasHeader }: Columns): string {
  return hasHeader
    ? shortened(printable(names.join(', ')), MOST_LISTED)
    : `columns 1 to ${names.length}, numbered because the file has no header (--header where this line is one)`;
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
