import { GsasError } from '../base/errors.js';
import type { PooledBuffer } from './pool.js';
import type { Stream } from './stream.js';
import { sizeOf, type Tensor } from './tensor.js';

/** One recorded operation. */
export interface Entry {
  /** Tensors through which gradients flow on. */
  inputs: readonly Tensor[];
  outputs: readonly Tensor[];
  /** What only the backward needs; released after it. */
  saved?: readonly Tensor[];
  /** Reads `tape.gradient(output)` and hands its share to each input by `tape.contribute`. */
  backward(): void;
}

/** A share of a table's gradient that names its rows: row ids[p] gets weights[p] (or 1) times source[p / share], share = P / Q. */
export interface RowGradient {
  /** u32 of any shape, P in all */
  ids: Tensor;
  /** [Q, D] */
  source: Tensor;
  /** of the shape of `ids` */
  weights?: Tensor;
}

/**
 * Reverse-mode differentiation: an append-only array of operations whose reverse is the backward order. When an operation's backward
 * has been recorded on the stream, everything that it produced is dead (its consumers came later, so they are done) and goes
 * back to the pool.
 */
export class Tape {
  readonly #entries: Entry[] = [];
  readonly #gradients = new Map<Tensor, Tensor>();
  readonly #tracked = new Set<Tensor>();
  readonly #rows: ReadonlyMap<Tensor, RowGradient[]>;
  /** What row gradients are made of, and what of it the backward has done with. */
  readonly #kept = new Set<PooledBuffer>();
  #unreleased: Tensor[] = [];

  /**
   * @param recording false: forward only, nothing is kept for a backward
   * @param tables whose gradients are to be kept by rows, never as a tensor of the table's shape
   */
  constructor(
    readonly stream: Stream,
    readonly recording = true,
    tables: Iterable<Tensor> = [],
  ) {
    this.#rows = new Map([...tables].map((table) => [table, []]));
  }

  /** Whether a parameter depends on this tensor, so that the backward must reach it. */
  needsGradient(tensor: Tensor): boolean {
    return this.recording && (tensor.requiresGrad || this.#tracked.has(tensor));
  }

  /** Keeps an operation for the backward, or releases what it saved where no input needs a gradient. */
  record(entry: Entry): void {
    if (entry.inputs.some((input) => this.needsGradient(input))) {
      for (const output of entry.outputs) this.#tracked.add(output);
      this.#entries.push(entry);
    } else {
      for (const tensor of entry.saved ?? []) this.stream.release(tensor);
    }
  }

  /** dL/d(tensor), once what consumes the tensor has run backward. @throws GsasError when none has reached it */
  gradient(tensor: Tensor): Tensor {
    const gradient = this.#gradients.get(tensor);
    if (!gradient) throw new GsasError(`no gradient has reached the tensor [${tensor.shape.join(', ')}]`);
    return gradient;
  }

  /** Whether any share of the tensor's gradient has come in. */
  hasGradient(tensor: Tensor): boolean {
    return this.#gradients.has(tensor);
  }

  /** dL/d(table) by rows, once what consumes the table has run backward; undefined where it is a tensor. */
  rowGradient(table: Tensor): readonly RowGradient[] | undefined {
    return this.#rows.get(table);
  }

  /**
   * Keeps a share of dL/d(table) by its rows, or hands it to `write` as `contribute` does where the table's gradient is a tensor.
   * Until `releaseRows` only `release` of this tape may give back what the share is made of.
   */
  contributeRows(table: Tensor, share: RowGradient, write: (gradient: Tensor, add: boolean) => void): void {
    const rows = this.#rows.get(table);
    if (!rows) {
      this.contribute(table, write);
      return;
    }
    rows.push(share);
    for (const { buffer } of Object.values(share)) this.#kept.add(buffer);
  }

  /** Gives back what a backward made; later, by `releaseRows`, where a row gradient still needs it. */
  release(tensor: Tensor): void {
    if (this.#kept.has(tensor.buffer)) this.#unreleased.push(tensor);
    else this.stream.release(tensor);
  }

  /** Gives back what the row gradients are made of, once they have been used. */
  releaseRows(): void {
    for (const tensor of this.#unreleased) this.stream.release(tensor);
    this.#unreleased = [];
    this.#kept.clear();
    for (const rows of this.#rows.values()) rows.length = 0;
  }

  /**
   * Hands a share of dL/d(input) to `write`, as a tensor of the input's shape to overwrite or, with `add`, to add to.
   * Does nothing for an input that needs no gradient. Not to be called inside a scope of the backward's own: the gradient outlives it.
   */
  contribute(input: Tensor, write: (gradient: Tensor, add: boolean) => void): void {
    if (!this.needsGradient(input)) return;
    const known = this.#gradients.get(input);
    if (known) {
      write(known, true);
      return;
    }
    const gradient = this.stream.empty(input.shape);
    this.#gradients.set(input, gradient);
    write(gradient, false);
  }

  /**
   * Makes dL/d(from) the gradient of `to`, buffer and all, and returns true; or returns false where `to` already has a gradient.
   * True as well where `to` needs none.
   */
  moveGradient(from: Tensor, to: Tensor): boolean {
    if (!this.needsGradient(to)) return true;
    if (this.#gradients.has(to)) return false;
    this.#gradients.set(to, this.gradient(from));
    this.#gradients.delete(from);
    return true;
  }

  /**
   * Runs the tape backward. A root's `gradient` (of its shape) is consumed; it is left out for a loss, a single number whose own
   * operation takes dL/dL = 1 for granted. Outputs are released on the way: what is wanted of them is downloaded before.
   * @throws GsasError for a root that is no single number and has no gradient
   */
  backward(...roots: { of: Tensor; gradient?: Tensor }[]): void {
    const losses = new Set<Tensor>();
    for (const { of, gradient } of roots) {
      if (gradient) this.#gradients.set(of, gradient);
      else if (sizeOf(of.shape) === 1) losses.add(of);
      else throw new GsasError(`backward from [${of.shape.join(', ')}], which is no single number, needs its gradient`);
    }
    for (let entry = this.#entries.pop(); entry; entry = this.#entries.pop()) {
      const reached = entry.outputs.some((output) => this.#gradients.has(output) || losses.has(output));
      if (reached) entry.backward();
      for (const output of entry.outputs) {
        const gradient = this.#gradients.get(output);
        if (gradient) this.release(gradient);
        this.#gradients.delete(output);
        this.release(output);
      }
      for (const tensor of entry.saved ?? []) this.release(tensor);
    }
  }
}
