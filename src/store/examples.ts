import { itemNames, renumbering, userNames } from './names.js';
import { openSource } from './source.js';
import type { ItemNames } from './titles.js';

/** A user on whom to try a model. */
export interface ExampleUser {
  /** Their id in the log; their line of the split where there is none. */
  readonly user: string;
  /** As items of the model, oldest first. */
  readonly history: readonly number[];
  /** The item that followed it, held out of training. */
  readonly next?: number;
}

/** A history of so many items fits on a page and says something about a user. */
const GOOD_LENGTH = 8;
const MOST = 6;
/** How many users of about that length to choose among, so that not all are of the beginning of the split. */
const AMONG = 10 * MOST;

/**
 * A few users of a dataset's test split (of its validation split, where the test split is empty) whose histories are neither long nor short. Empty where nobody is held
 * out, or if the data is of another catalogue than the model.
 * @param folder as for `openSource`
 * @param model the names of its items 1..numItems, by whose ids items are followed to a newer log, and whether it was trained on `everything`, so that held-out items
 *   belong to the history
 * @throws InputError for data that cannot be read
 */
export function exampleUsers(
  folder: string | null,
  { numItems, names, everything = false }: { numItems: number; names: ItemNames; everything?: boolean },
): ExampleUser[] {
  const { dataset } = openSource(folder);
  const numberOf = renumbering(itemNames(folder), names);
  if (!numberOf && dataset.numItems !== numItems) return [];
  const split = dataset.test.targets.length > 0 ? 'test' : 'val';
  const { inputs, targets } = dataset[split];
  const ids = userNames(folder, split, targets.length);
  const known = (items: Iterable<number>) =>
    Array.from(items, (item) => (numberOf ? numberOf(item) : item)).filter((item) => item !== undefined);
  const distance = (line: number) => Math.abs(inputs.lengthOf(line) - GOOD_LENGTH);
  const likely = Array.from(targets.keys())
    .sort((a, b) => distance(a) - distance(b) || a - b)
    .slice(0, AMONG);
  const step = Math.max(1, Math.floor(likely.length / MOST));
  return likely
    .filter((_, i) => i % step === 0)
    .slice(0, MOST)
    .flatMap((line) => {
      const user = ids?.[line] ?? String(line + 1);
      const history = known(inputs.at(line));
      const [next] = known([targets[line]]);
      if (history.length === 0) return [];
      if (next === undefined) return [{ user, history }];
      return [everything ? { user, history: [...history, next] } : { user, history, next }];
    });
}
