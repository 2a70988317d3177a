import { existsSync, readFileSync } from 'node:fs';
import { InputError } from '../base/errors.js';
import type { ItemFinder } from '../store/find.js';

/** How many candidates a message names. */
const MOST_SHOWN = 5;

/**
 * The items that a person lists on the command line. Each text holds ids or titles or, after an @, the name of a file with one per line. `report` is
 * called for inexact matches and for unknown items, which are left out.
 * @param option named in errors
 * @throws InputError if a title could be several items, a file cannot be read, or nothing is listed
 */
export function readItems(
  finder: ItemFinder,
  texts: readonly string[],
  option: string,
  report: (line: string) => void,
): number[] {
  const listed = texts.flatMap((text) => finder.split(text.startsWith('@') ? readList(text.slice(1), option) : text));
  if (listed.length === 0) throw new InputError(`${option} is empty; give item ids or titles`);
  return listed.flatMap((text) => {
    const found = finder.find(text);
    const shown = JSON.stringify(text);
    switch (found.kind) {
      case 'exact':
        return [found.item];
      case 'similar':
        report(`${shown} is taken for ${finder.describe(found.item)}`);
        return [found.item];
      case 'ambiguous':
        throw new InputError(
          `${option}: ${shown} could be ${describeSome(finder, found.items)}; give one of these ids, or more of the title`,
        );
      case 'unknown': {
        if (existsSync(text))
          throw new InputError(`${option}: ${text} is no item but a file; to read items from it write @${text}`);
        const near =
          found.nearest.length > 0 ? `; the nearest are ${describeSome(finder, found.nearest.slice(0, 3))}` : '';
        const untitled =
          finder.names.titles.size === 0 && !/^#?\d+$/.test(text) ? '; no titles are known: --titles FILE' : '';
        report(`${shown} is no item of this model and is left out${near}${untitled}`);
        return [];
      }
      default:
        return found satisfies never;
    }
  });
}

function describeSome(finder: ItemFinder, items: readonly number[]): string {
  const shown = items.slice(0, MOST_SHOWN).map((item) => finder.describe(item));
  return items.length > MOST_SHOWN ? `${shown.join(', ')} or ${items.length - MOST_SHOWN} others` : shown.join(', ');
}

function readList(file: string, option: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new InputError(`${option}: cannot read ${file} (${code}); after @ comes the name of a file of items`, {
      cause: error,
    });
  }
}
