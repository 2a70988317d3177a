import { printable } from '../base/printable.js';

/** Many integer sequences in two arrays: sequence i is `items[offsets[i] .. offsets[i + 1])`. */
export class Sequences {
  /**
   * @param items every sequence, one after the other
   * @param offsets [count + 1] where each sequence begins; the last entry is `items.length`
   */
  constructor(
    readonly items: Uint32Array,
    readonly offsets: Uint32Array,
  ) {}

  /** Copies of these sequences, in their order. */
  static from(lists: readonly ArrayLike<number>[]): Sequences {
    const offsets = new Uint32Array(lists.length + 1);
    lists.forEach((list, i) => {
      offsets[i + 1] = offsets[i] + list.length;
    });
    const items = new Uint32Array(offsets[lists.length]);
    lists.forEach((list, i) => {
      items.set(list, offsets[i]);
    });
    return new Sequences(items, offsets);
  }

  get count(): number {
    return this.offsets.length - 1;
  }

  /** How many items the sequence has. */
  lengthOf(index: number): number {
    return this.offsets[index + 1] - this.offsets[index];
  }

  /** The sequence itself, oldest item first: a view, not a copy. */
  at(index: number): Uint32Array {
    return this.items.subarray(this.offsets[index], this.offsets[index + 1]);
  }

  /** Its last `window` items: a view, not a copy. */
  tail(index: number, window: number): Uint32Array {
    const end = this.offsets[index + 1];
    return this.items.subarray(Math.max(this.offsets[index], end - window), end);
  }
}

/** Held-out users: what each did so far, and the one item that came next. */
export interface Split {
  readonly inputs: Sequences;
  /** [inputs.count] */
  readonly targets: Uint32Array;
  /** [inputs.count] each user's line of `train`. Users who do not train are numbered from `train.count` on. Left out if it is unknown. */
  readonly users?: Uint32Array;
}

/** A leave-one-out dataset. Items are 1..numItems. */
export interface Dataset {
  readonly name: string;
  readonly numItems: number;
  readonly train: Sequences;
  readonly val: Split;
  readonly test: Split;
  readonly titles?: ReadonlyMap<number, string>;
}

export interface DatasetSummary {
  readonly users: number;
  readonly items: number;
  /** Users of the whole log; a lower bound if the users of the splits are unknown. */
  readonly interactions: number;
  /** Interactions per user. */
  readonly meanLength: number;
}

export function summarizeDataset({ numItems, train, val, test }: Dataset): DatasetSummary {
  const summary = (users: number, interactions: number): DatasetSummary => {
    return { users, items: numItems, interactions, meanLength: interactions / users };
  };
  const splits = [val, test].filter(({ targets }) => targets.length > 0);
  if (splits.some(({ users }) => !users)) {
    // Test histories are complete if every user has one. Otherwise training and held-out items together are more.
    const whole = test.inputs.items.length + test.targets.length;
    return summary(train.count, Math.max(whole, train.items.length + val.targets.length + test.targets.length));
  }
  // A user's full history is the longest of the user's lines.
  const longest = Array.from({ length: train.count }, (_, user) => train.lengthOf(user));
  for (const { inputs, users } of splits) {
    users!.forEach((user, line) => {
      longest[user] = Math.max(longest[user] ?? 0, inputs.lengthOf(line) + 1);
    });
  }
  return summary(
    longest.length,
    longest.reduce((sum, length) => sum + length, 0),
  );
}

/** How many of a split's targets are in their own history. They are never found when seen items are left out. */
export function hiddenTargets({ inputs, targets }: Split): number {
  return targets.reduce((count, target, line) => count + (inputs.at(line).includes(target) ? 1 : 0), 0);
}

/** One line for a person, such as `ml1m: 6,040 users, 3,416 items, 999,611 interactions, 165.5 a user`. */
export function describeDataset(dataset: Dataset): string {
  const { users, items, interactions, meanLength } = summarizeDataset(dataset);
  const n = (value: number) => value.toLocaleString('en-US');
  return `${printable(dataset.name)}: ${n(users)} users, ${n(items)} items, ${n(interactions)} interactions, ${meanLength.toFixed(1)} a user`;
}
