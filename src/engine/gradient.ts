import { GsasError } from '../base/errors.js';
import type { Stream } from './stream.js';
import type { Shape, Tensor } from './tensor.js';

/** A share of a table's gradient by rows: row ids[p] gets weights[p] (or 1) times source[floor(p Q / P)]. */
export interface RowShare {
  /** u32 of any shape, P in all, a multiple of Q */
  ids: Tensor;
  /** [Q, D] */
  source: Tensor;
  /** of the shape of `ids` */
  weights?: Tensor;
}

/**
 * Everything known of dL/d(tensor): a dense tensor, shares by rows, or both; the gradient is their sum. Its user takes both parts and then calls
 * `end`, which throws if a part was not taken, so that no update can drop half of a gradient.
 */
export class Gradient {
  #dense: Tensor | undefined;
  readonly #rows: RowShare[] = [];
  #taken = { dense: false, rows: false };

  constructor(
    private readonly stream: Stream,
    private readonly shape: Shape,
  ) {}

  /** The dense part, of the tensor's shape. */
  get dense(): Tensor | undefined {
    return this.#dense;
  }

  /** Sets the dense part, and owns that handle from now on. */
  own(tensor: Tensor): void {
    this.#dense = tensor;
  }

  /** Adds a share and takes handles of its own on the tensors. */
  addRows({ ids, source, weights }: RowShare): void {
    const { stream } = this;
    const kept = { ids: stream.view(ids), source: stream.view(source) };
    this.#rows.push(weights ? { ...kept, weights: stream.view(weights) } : kept);
  }

  /** The gradient as one tensor. @throws GsasError if part of it came by rows */
  whole(): Tensor {
    if (this.#dense && this.#rows.length === 0) return this.#dense;
    throw new GsasError(`the gradient of [${this.shape.join(', ')}] came by rows; take both of its parts`);
  }

  /** Takes the dense part, to be used before `end`. */
  takeDense(): Tensor | undefined {
    this.#taken.dense = true;
    return this.#dense;
  }

  /** Takes the shares by rows, to be used before `end`. */
  takeRows(): readonly RowShare[] {
    this.#taken.rows = true;
    return this.#rows;
  }

  /** Releases both parts. @throws GsasError naming a part that was not taken */
  end(): void {
    const left =
      (this.#dense && !this.#taken.dense && 'dense part') ||
      (this.#rows.length > 0 && !this.#taken.rows && 'shares by rows');
    this.release();
    if (left) throw new GsasError(`the gradient of [${this.shape.join(', ')}] was used without its ${left}`);
  }

  /** Releases both parts, taken or not. */
  release(): void {
    if (this.#dense) this.stream.release(this.#dense);
    this.#dense = undefined;
    for (const share of this.#rows.splice(0)) for (const tensor of Object.values(share)) this.stream.release(tensor);
  }
}
