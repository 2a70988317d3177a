/** How far from a measured size its answer still applies: up to a factor of four. */
const REACH = 2; // powers of two

/** What an operation asks at a launch: which of its candidates to bake in. All give the same bits, so only the time depends on the answer. */
export interface TuningQuestion {
  /** The registered operation, which runs `trial`. */
  readonly op: string;
  /** The sizes that an answer is for, such as `N=128 K=128`. */
  readonly shape: string;
  /** The size that changes from batch to batch. */
  readonly size: number;
  /** A case of the operation, to measure candidates on. */
  readonly trial: unknown;
  /** By name. The first one is built in. */
  readonly candidates: readonly string[];
}

/** The choice that was measured to be the fastest. */
export interface TuningAnswer {
  readonly op: string;
  readonly shape: string;
  readonly size: number;
  readonly choice: string;
  /** The built-in candidate, and the choice's time as a multiple of its time. */
  readonly builtIn: string;
  readonly ratio: number;
}

/**
 * Which variants a device's kernels use. Without an answer, an operation takes its built-in candidate. Questions without an answer are
 * remembered, so recording one training step is enough to know what to measure.
 */
export class Tuning {
  readonly #answers = new Map<string, TuningAnswer[]>();
  readonly #open = new Map<string, TuningQuestion>();
  #trial: { op: string; choice: string } | undefined;

  /** The candidate to bake in: `candidates` by name, the built-in one first. */
  choose<C>(question: Omit<TuningQuestion, 'candidates'>, candidates: Readonly<Record<string, C>>): C {
    const names = Object.keys(candidates);
    const builtIn = candidates[names[0]];
    if (names.length === 1) return builtIn;
    if (this.#trial?.op === question.op) return candidates[this.#trial.choice] ?? builtIn;
    const answer = this.#nearest(question);
    if (!answer) this.#open.set(keyOf(question), { ...question, candidates: names });
    return (answer && candidates[answer.choice]) ?? builtIn;
  }

  /** Replaces the answers for the same shape and about the same size. */
  add(answer: TuningAnswer): void {
    const others = (this.#answers.get(keyOf(answer)) ?? []).filter((other) => distance(other, answer) > REACH);
    this.#answers.set(keyOf(answer), [...others, answer]);
    const open = this.#open.get(keyOf(answer));
    if (open && this.#nearest(open)) this.#open.delete(keyOf(answer));
  }

  /** Forgets every answer. */
  clear(): void {
    this.#answers.clear();
  }

  get answers(): readonly TuningAnswer[] {
    return [...this.#answers.values()].flat();
  }

  /** Questions without an answer. */
  get open(): readonly TuningQuestion[] {
    return [...this.#open.values()];
  }

  /** Makes an operation use one of its candidates while `work` records it. */
  trial<T>(op: string, choice: string, work: () => T): T {
    this.#trial = { op, choice };
    try {
      return work();
    } finally {
      this.#trial = undefined;
    }
  }

  #nearest(question: { op: string; shape: string; size: number }): TuningAnswer | undefined {
    const near = (this.#answers.get(keyOf(question)) ?? []).filter((answer) => distance(answer, question) <= REACH);
    return near.sort((a, b) => distance(a, question) - distance(b, question))[0];
  }
}

function keyOf({ op, shape }: { op: string; shape: string }): string {
  return `${op} ${shape}`;
}

/** Powers of two between two sizes. */
function distance(a: { size: number }, b: { size: number }): number {
  return Math.abs(Math.log2(a.size / b.size));
}
