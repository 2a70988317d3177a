import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../base/errors.js';
import { type Dataset, type Sequences, summarizeDataset } from '../data/dataset.js';
import { readDataset } from '../store/layout.js';
import { NOTES, STATS } from './files.js';

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

/**
 * Counts a folder in the official layout.
 * @throws InputError as `readDataset`
 */
export function datasetStats(dir: string): DatasetStats {
  const dataset = readDataset(dir);
  const { num_users, num_interactions } = JSON.parse(readFileSync(join(dir, STATS), 'utf8'));
  const train = countLines(dataset, dataset.train);
  const val = countLines(dataset, dataset.val.inputs, dataset.val.targets);
  const test = countLines(dataset, dataset.test.inputs, dataset.test.targets);
  const users = num_users ?? train.lines;
  const interactions = num_interactions ?? summarizeDataset(dataset).interactions;
  return {
    users,
    items: dataset.numItems,
    interactions,
    density: interactions / (users * dataset.numItems),
    train,
    val,
    test,
    ties: readTies(dir),
  };
}

/** As counted by the import: the layout has no times. */
function readTies(dir: string): Ties | null {
  const notes = join(dir, NOTES);
  if (!existsSync(notes)) return null;
  try {
    return JSON.parse(readFileSync(notes, 'utf8')).stats.ties ?? null;
  } catch (error) {
    throw new InputError(`${notes} is not what an import writes there; move it away`, { cause: error });
  }
}

function countLines({ numItems }: Dataset, inputs: Sequences, targets?: Uint32Array): LineStats {
  const counter = new LineCounter(numItems);
  for (let line = 0; line < inputs.count; line++) counter.add(inputs.at(line), targets?.[line]);
  return counter.stats();
}
