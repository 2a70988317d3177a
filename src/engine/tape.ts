import { GsasError } from '../base/errors.js';
import { Gradient, type RowShare } from './gradient.js';
import type { Stream } from './stream.js';
import { sizeOf, type Tensor } from './tensor.js';

/** One recorded operation. */
export interface Entry {
  /** Tensors that gradients flow on to. */
  inputs: readonly Tensor[];
  outputs: readonly Tensor[];
  /** What only the backward needs. Released after it. */
  saved?: readonly Tensor[];
  /** Reads `tape.gradient(output)` and gives each input its share by `tape.contribute`. */
  backward(): void;
}

/**
 * Reverse-mode differentiation: an append-only array of operations; in reverse it is the order of the backward. Once an operation's backward is
 * recorded on the stream, everything that it produced is dead (its consumers came later, so they are done) and is released. Gradients of leaves
 * stay until they are taken, and add up over several forward and backward passes.
 */
export class Tape {
  readonly #entries: Entry[] = [];
  readonly #gradients = new Map<Tensor, Gradient>();
  readonly #tracked = new WeakSet<Tensor>();
  readonly #byRows: ReadonlySet<Tensor>;

  /**
   * @param recording false for forward only: nothing is kept for a backward
   * @param tables leaves whose gradients may come by rows, for an update that does not need them as tensors
   */
  constructor(
    readonly stream: Stream,
    readonly recording = true,
    tables: Iterable<Tensor> = [],
  ) {
    this.#byRows = new Set(tables);
  }

  /** Whether a parameter depends on this tensor, so that the backward must reach it. */
  needsGradient(tensor: Tensor): boolean {
    return this.recording && (tensor.requiresGrad || this.#tracked.has(tensor));
  }

  /** Keeps an operation for the backward, or releases what it saved if no input needs a gradient. */
  record(entry: Entry): void {
    if (entry.inputs.some((input) => this.needsGradient(input))) {
      for (const output of entry.outputs) this.#tracked.add(output);
      this.#entries.push(entry);
    } else {
      for (const tensor of entry.saved ?? []) this.stream.release(tensor);
    }
  }

  /** dL/d(tensor), once the tensor's consumers have run backward. @throws GsasError if no gradient has reached it, or part of it came by rows */
  gradient(tensor: Tensor): Tensor {
    const gradient = this.#gradients.get(tensor);
    if (!gradient) throw new GsasError(`no gradient has reached the tensor [${tensor.shape.join(', ')}]`);
    return gradient.whole();
  }

  /**
   * Hands a leaf's gradient to the code that updates the leaf, which must take both parts and end it. Undefined if no gradient has reached the leaf.
   * The next backward starts a new one.
   */
  take(leaf: Tensor): Gradient | undefined {
    const gradient = this.#gradients.get(leaf);
    this.#gradients.delete(leaf);
    return gradient;
  }

  /**
   * Keeps a share of dL/d(table) by rows, or calls `write` as `contribute` does if the table's gradient is a tensor. The tape takes handles of its
   * own on the share's tensors, so the caller may release its handles at once.
   */
  contributeRows(table: Tensor, share: RowShare, write: (gradient: Tensor, add: boolean) => void): void {
    if (!this.#byRows.has(table)) this.contribute(table, write);
    else if (this.needsGradient(table)) this.#gradientOf(table).addRows(share);
  }

  /**
   * Calls `write` with a tensor of the input's shape, to overwrite with a share of dL/d(input) or, with `add`, to add it to. Does nothing for an
   * input that needs no gradient. Do not call it inside a scope of the backward: the gradient outlives it.
   */
  contribute(input: Tensor, write: (gradient: Tensor, add: boolean) => void): void {
    if (!this.needsGradient(input)) return;
    const gradient = this.#gradientOf(input);
    const known = gradient.dense;
    if (known) {
      write(known, true);
      return;
    }
    const dense = this.stream.empty(input.shape);
    gradient.own(dense);
    write(dense, false);
  }

  /**
   * Makes `share` the gradient of `input` without a copy and returns true. Returns false if `input` has a dense gradient already, and true if it needs
   * none. Later shares are added to `share` in place, so nothing else may still have to read it.
   */
  adopt(input: Tensor, share: Tensor): boolean {
    if (!this.needsGradient(input)) return true;
    const gradient = this.#gradientOf(input);
    if (gradient.dense) return false;
    gradient.own(this.stream.view(share));
    return true;
  }

  /**
   * Runs the tape backward. A root's `gradient` (of its shape) is consumed. Leave it out for a loss: a single number whose operation was given its
   * scale and so knows dL/d(its inputs). Outputs are released on the way, so download what you need of them before.
   * @throws GsasError for a root that is not a single number and has no gradient
   */
  backward(...roots: { of: Tensor; gradient?: Tensor }[]): void {
    const losses = new Set<Tensor>();
    for (const { of, gradient } of roots) {
      if (gradient) this.#gradientOf(of).own(gradient);
      else if (sizeOf(of.shape) === 1) losses.add(of);
      else throw new GsasError(`backward from [${of.shape.join(', ')}], which is no single number, needs its gradient`);
    }
    for (let entry = this.#entries.pop(); entry; entry = this.#entries.pop()) {
      const reached = entry.outputs.some((output) => this.#gradients.has(output) || losses.has(output));
      if (reached) entry.backward();
      for (const output of entry.outputs) {
        this.take(output)?.release();
        this.stream.release(output);
      }
      for (const tensor of entry.saved ?? []) this.stream.release(tensor);
    }
  }

  #gradientOf(tensor: Tensor): Gradient {
    let gradient = this.#gradients.get(tensor);
    if (!gradient) {
      gradient = new Gradient(this.stream, tensor.shape);
      this.#gradients.set(tensor, gradient);
    }
    return gradient;
  }
}
