import { InputError } from '../base/errors.js';
import { quoted } from '../base/printable.js';
import { Sequences, type Split } from '../data/dataset.js';
import { fullHistories } from '../data/histories.js';
import { itemNames, renumbering, userNames } from './names.js';
import { checkCatalogue, openSource } from './source.js';
import type { ItemNames } from './titles.js';

/** Everybody in a dataset, and all that they did, held-out items included. */
export class KnownUsers {
  readonly #numbers: ReadonlyMap<string, number>;

  /**
   * @param histories as items of the model; empty for a user of whose items the model knows none
   * @param ids [users] in the log; undefined where the data was not imported from one, and users are numbers from 1
   */
  constructor(
    readonly histories: Sequences,
    readonly ids: readonly string[] | undefined,
  ) {
    this.#numbers = new Map(ids?.map((id, user) => [id, user]));
  }

  get count(): number {
    return this.histories.count;
  }

  /** What a user is called, so that `find` finds them. */
  nameOf(user: number): string {
    return this.ids?.[user] ?? String(user + 1);
  }

  /**
   * The place of a user by their id in the log, or by their number from 1 where there are no ids, and always with a # before it; undefined for one that is
   * not there.
   */
  place(id: string): number | undefined {
    const known = this.#numbers.get(id);
    if (known !== undefined) return known;
    const number = Number((this.ids ? /^#(\d{1,10})$/ : /^#?(\d{1,10})$/).exec(id)?.[1]);
    return number >= 1 && number <= this.count ? number - 1 : undefined;
  }

  /** What `place` finds. @throws InputError for a user that is not there */
  find(id: string): number {
    const place = this.place(id);
    if (place !== undefined) return place;
    const some = Array.from({ length: Math.min(3, this.count) }, (_, user) => this.nameOf(user));
    throw new InputError(`${quoted(id)} is no user of the data, which has ${this.count}, such as ${some.join(', ')}`);
  }
}

/**
 * The users of a dataset's folder, or of the embedded catalogue for null. Where the data and the model were imported from logs, items are
 * followed by their ids, so that the data may be a newer log than the model's; what the model does not know is left out.
 * @param model its `label` in errors, and the names of its items 1..numItems
 * @throws InputError for data of another catalogue without ids, or whose held-out lines are of unknown users
 */
export function knownUsers(
  folder: string | null,
  { label, numItems, names }: { label: string; numItems: number; names: ItemNames },
): KnownUsers {
  const { dataset } = openSource(folder);
  const numberOf = renumbering(itemNames(folder), names);
  if (!numberOf) checkCatalogue(label, numItems, dataset);
  const histories = fullHistories(dataset);
  const known = numberOf ? renumbered(histories, dataset.numItems, numberOf) : histories;
  return new KnownUsers(known, idsOf(folder, histories.count, { ...dataset }));
}

function renumbered(histories: Sequences, numItems: number, numberOf: (item: number) => number | undefined): Sequences {
  const numbers = Uint32Array.from({ length: numItems + 1 }, (_, item) => numberOf(item) ?? 0);
  const lists = Array.from({ length: histories.count }, (_, user) =>
    histories
      .at(user)
      .map((item) => numbers[item])
      .filter((item) => item > 0),
  );
  return Sequences.from(lists);
}

/** [count] the ids of users in the log; undefined where there are none. */
function idsOf(
  folder: string | null,
  count: number,
  { train, val, test }: { train: Sequences; val: Split; test: Split },
): string[] | undefined {
  const ids = userNames(folder, 'train', train.count);
  if (!ids) return undefined;
  for (const [name, { users, targets }] of Object.entries({ val, test })) {
    if (targets.length === 0 || ids.length === count) continue;
    const names = userNames(folder, name as 'val' | 'test', targets.length);
    users?.forEach((user, line) => {
      ids[user] = names?.[line] ?? String(user + 1);
    });
  }
  return ids;
}
