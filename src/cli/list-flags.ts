import type { Command } from 'commander';
import { InputError } from '../base/errors.js';
import { printable } from '../base/printable.js';
import type { ListOptions } from '../infer/recommender.js';
import { ItemFinder } from '../store/find.js';
import { modelNames, occurrences } from '../store/names.js';
import { openSource } from '../store/source.js';
import { atLeast } from '../store/titles.js';
import { parseCount, parseNatural, titlesOption } from './arguments.js';
import { readItems } from './items.js';
import type { Chosen } from './subject.js';

/** The flags that decide which items may be in a list. */
export interface ListFlags {
  top: number;
  exclude?: string[];
  only?: string[];
  perCategory?: number;
  minPopularity?: number;
  minAge?: number;
  titles?: string;
}

export function takeListFlags(command: Command): Command {
  return command
    .option('--top <count>', 'how many items, at most 512', parseCount, 10)
    .option('--exclude <items...>', 'ids, titles or @FILE: never to be recommended')
    .option('--only <items...>', 'ids, titles or @FILE: nothing else is recommended')
    .option('--per-category <count>', 'at most so many items of a category, where items have one', parseCount)
    .option('--min-popularity <count>', 'only items that occur at least so often in training', parseNatural)
    .option(
      '--min-age <days>',
      'only items whose first interaction is so many days before the end of the log, where it has times',
      parseNatural,
    )
    .addOption(titlesOption());
}

/** Inexact matches and unknown items are reported on stderr. */
export function tell(line: string): void {
  process.stderr.write(`${printable(line)}\n`);
}

/**
 * What the flags mean for a subject.
 * @throws InputError for an item that could be several, a file that cannot be read, and if the data does not have what a flag needs
 */
export function listOptions(
  run: string | undefined,
  chosen: Chosen,
  flags: ListFlags,
): { finder: ItemFinder; options: ListOptions } {
  const { subject, folder } = chosen;
  const names = modelNames(run, folder, flags.titles);
  const finder = new ItemFinder(names, subject.numItems);
  const { top, minPopularity: least, minAge, perCategory: most } = flags;
  const exclude = flags.exclude ? readItems(finder, flags.exclude, '--exclude', tell) : [];
  let only = flags.only && readItems(finder, flags.only, '--only', tell);
  if (only?.length === 0) throw new InputError('--only: none of it is an item of this model; give ids or titles');
  if (least !== undefined) {
    only = atLeast(least, names.counts ?? countsOf(folder), only);
  }
  if (minAge !== undefined) {
    if (!names.ages)
      throw new InputError(
        '--min-age: no item has an age; data import writes ages into items.csv where the log has times, and training keeps them',
      );
    only = atLeast(minAge, names.ages, only);
  }
  if (most !== undefined && !names.categories) {
    throw new InputError(
      '--per-category: no item has a category; give them in a column category of the file of --titles, or of items.csv of the data before training',
    );
  }
  const limits = most !== undefined && { perCategory: { most, of: names.categories! } };
  return { finder, options: { top, exclude, ...(only && { only }), ...limits } };
}

function countsOf(folder: string | null | undefined): ReadonlyMap<number, number> {
  if (folder === undefined)
    throw new InputError('--min-popularity: how often items occur is not known; name the data with --data DIR');
  return occurrences(openSource(folder).dataset);
}
