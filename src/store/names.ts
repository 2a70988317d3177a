import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { countItems } from '../data/counts.js';
import type { Dataset } from '../data/dataset.js';
import { writeWhole } from './files.js';
import { userIds } from './layout.js';
import { openSource, runFolderOf } from './source.js';
import { type ItemNames, readItemNames, readOwnNames, readUserNames, writeItemNames } from './titles.js';

const NAMELESS: ItemNames = { titles: new Map(), originals: new Map() };

/**
 * The names of the items of a dataset's folder, from its items.csv; for null, those of the embedded catalogue. Empty if there is no such file, or the
 * folder is unknown.
 * @param titles a CSV with the columns id and title that is read instead
 * @throws InputError for a damaged file of names
 */
export function itemNames(folder: string | null | undefined, titles?: string): ItemNames {
  if (titles !== undefined) return readItemNames(titles);
  if (folder === undefined) return NAMELESS;
  if (folder === null) return { ...NAMELESS, titles: openSource(null).dataset.titles ?? NAMELESS.titles };
  const file = join(folder, 'items.csv');
  return existsSync(file) ? readItemNames(file) : NAMELESS;
}

const RUN_NAMES = 'items.csv';

/**
 * The names of the items of a run's model: those that the run keeps, so that its data may have moved; for a run without names, those of its data.
 * @param run its folder, or a checkpoint in it; undefined for a baseline
 * @param folder of the data, as for `itemNames`
 * @param titles a CSV with the columns id and title whose names go before the others
 * @throws InputError for a damaged file of names
 */
export function modelNames(run: string | undefined, folder: string | null | undefined, titles?: string): ItemNames {
  const own = run === undefined ? undefined : join(runFolderOf(run), RUN_NAMES);
  const known = own !== undefined && existsSync(own) ? readOwnNames(own) : itemNames(folder);
  if (titles === undefined) return known;
  const given = readItemNames(titles);
  return { ...known, ...given, originals: given.originals.size > 0 ? given.originals : known.originals };
}

/** Keeps the names of items, and how often they occur in training, in the folder of a run. @throws GsasError if it cannot be written */
export function keepNames(run: string, names: ItemNames, dataset: Dataset): void {
  writeItemNames(join(run, RUN_NAMES), {
    categories: new Map(),
    ages: new Map(),
    ...names,
    counts: occurrences(dataset),
  });
}

/** Keeps for a copy of a run the names that the run keeps, if it does. @param from the run's folder, or a checkpoint in it */
export function copyNames(from: string, to: string): void {
  const file = join(runFolderOf(from), RUN_NAMES);
  if (existsSync(file)) writeWhole(join(to, RUN_NAMES), [readFileSync(file)]);
}

/** How often each of the items 1..N occurs in training. */
export function occurrences(dataset: Dataset): Map<number, number> {
  const counts = countItems(dataset);
  return new Map(Array.from({ length: dataset.numItems }, (_, i) => [i + 1, counts[i + 1]]));
}

/**
 * For each line of a split, its user's id in the log, from the split's users.txt and the folder's users.csv. A user may have several lines, see
 * `userIds`.
 * @param count the number of the split's lines
 * @returns [count]; undefined if the folder was not imported from a log and so has no such files
 * @throws InputError naming the file if it does not match these lines
 */
export function userNames(folder: string | null, split: 'train' | 'val' | 'test', count: number): string[] | undefined {
  if (folder === null) return undefined;
  const names = join(folder, 'users.csv');
  const users = existsSync(names) && userIds(folder, split, count);
  if (!users) return undefined;
  const originals = readUserNames(names);
  return users.map((user) => originals.get(user) ?? String(user));
}

/**
 * Maps items of one imported dataset to another: a function from the number in `from` to the number in `to` of the item with the same id in the log,
 * undefined for an item that is missing there.
 * @returns undefined if one of the two was not imported from a log with ids of its own
 */
export function renumbering(from: ItemNames, to: ItemNames): ((item: number) => number | undefined) | undefined {
  if (from.originals.size === 0 || to.originals.size === 0) return undefined;
  const numbers = new Map(Array.from(to.originals, ([item, original]) => [original, item]));
  return (item) => numbers.get(from.originals.get(item) ?? '');
}
