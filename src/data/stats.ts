import type { Dataset, Sequences, Split } from './dataset.js';

/** The lines of one part of a dataset. */
export interface LineStats {
  readonly lines: number;
  /** Interactions in the lines' inputs, and their targets if they have one. */
  readonly interactions: number;
  /** Inputs and target together. */
  readonly lengths: { readonly [name in 'mean' | 'min' | 'p10' | 'p50' | 'p90' | 'max']: number };
  /** Share of interactions whose item occurs earlier in the line. */
  readonly repeats: number;
  /** Share of targets that are in their own history, and so are never hit if seen items are left out; null without targets. */
  readonly seenTargets: number | null;
}

/** Interactions without an order in time. */
export interface Ties {
  /** Interactions at the same time as another one of the same user; they are in the order of the log. */
  readonly interactions: number;
  /** Test targets among them: the order of the log decides which of several is the target. */
  readonly testTargets: number;
}

/** The size of a dataset and of its parts. */
export interface DatasetStats {
  readonly users: number;
  readonly items: number;
  readonly interactions: number;
  /** Interactions per pair of a user and an item. */
  readonly density: number;
  readonly train: LineStats;
  readonly val: LineStats;
  readonly test: LineStats;
  /** Null if the log had no times, or no import made the dataset. */
  readonly ties: Ties | null;
}

/** Counts lines one by one and keeps none, so that a split of any size fits. */
export class LineCounter {
  /** [N+1] the last line that had each item, from 1 */
  readonly #lastLine: Uint32Array;
  readonly #lengths = new Map<number, number>();
  #lines = 0;
  #interactions = 0;
  #repeats = 0;
  #targets = 0;
  #seenTargets = 0;

  constructor(numItems: number) {
    this.#lastLine = new Uint32Array(numItems + 1);
  }

  /** @param target what came next; undefined in training */
  add(inputs: ArrayLike<number>, target?: number): void {
    const line = ++this.#lines;
    const length = inputs.length + (target === undefined ? 0 : 1);
    this.#interactions += length;
    this.#lengths.set(length, (this.#lengths.get(length) ?? 0) + 1);
    for (let i = 0; i < inputs.length; i++) {
      if (this.#lastLine[inputs[i]] === line) this.#repeats++;
      this.#lastLine[inputs[i]] = line;
    }
    if (target === undefined) return;
    this.#targets++;
    if (this.#lastLine[target] === line) {
      this.#repeats++;
      this.#seenTargets++;
    }
  }

  stats(): LineStats {
    const share = (count: number, of: number) => (of === 0 ? 0 : count / of);
    const lengths = [...this.#lengths].sort(([a], [b]) => a - b);
    /** The smallest length that a share of the lines does not exceed, from counts alone. */
    const lengthOf = (part: number) => {
      let lines = 0;
      for (const [length, count] of lengths) {
        lines += count;
        if (lines >= part * this.#lines) return length;
      }
      return 0;
    };
    return {
      lines: this.#lines,
      interactions: this.#interactions,
      lengths: {
        mean: share(this.#interactions, this.#lines),
        min: lengthOf(0),
        p10: lengthOf(0.1),
        p50: lengthOf(0.5),
        p90: lengthOf(0.9),
        max: lengthOf(1),
      },
      repeats: share(this.#repeats, this.#interactions),
      seenTargets: this.#targets === 0 ? null : this.#seenTargets / this.#targets,
    };
  }
}

/** The three parts of a dataset, counted. */
export function partStats({ numItems, train, val, test }: Dataset): Pick<DatasetStats, 'train' | 'val' | 'test'> {
  const held = ({ inputs, targets }: Split) => countLines(numItems, inputs, targets);
  return { train: countLines(numItems, train), val: held(val), test: held(test) };
}

function countLines(numItems: number, inputs: Sequences, targets?: Uint32Array): LineStats {
  const counter = new LineCounter(numItems);
  for (let line = 0; line < inputs.count; line++) counter.add(inputs.at(line), targets?.[line]);
  return counter.stats();
}

/** Where leaving out seen items hides more of the targets than this, training should not leave them out. */
const MOST_HIDDEN = 0.05;

/** In sentences: what leaving out seen items would hide, and how much of the order is not known. */
export function adviseOn({ interactions, test, ties }: Omit<DatasetStats, 'users' | 'items' | 'density'>): string[] {
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const sentences: string[] = [];
  if (test.seenTargets === 0)
    sentences.push('No test target is in its own history, so leaving out seen items hides none.');
  else if (test.seenTargets !== null) {
    const way = test.seenTargets > MOST_HIDDEN ? ': train with --filter-rated false' : '';
    sentences.push(`Leaving out seen items hides ${percent(test.seenTargets)} of the test targets${way}.`);
  }
  if (ties && ties.interactions > 0) {
    const [all, targets] = [ties.interactions / interactions, ties.testTargets / Math.max(1, test.lines)];
    sentences.push(
      `${percent(all)} of the interactions, and ${percent(targets)} of the test targets, are at the very time of another of the same user: their order is that of the log.`,
    );
  }
  return sentences;
}
