import { InputError } from '../base/errors.js';
import type { Settings } from '../base/options.js';
import type { Gradient } from '../engine/gradient.js';
import type { Stream } from '../engine/stream.js';
import type { Tape } from '../engine/tape.js';
import type { Tensor } from '../engine/tensor.js';
import { clipFactor } from '../kernels/clip/index.js';
import { updateClipped, wholeGradient } from '../kernels/update/clipped.js';
import { applyUpdate, type Moved } from '../kernels/update/index.js';
import type { UpdateRule } from '../kernels/update/rule.js';
import type { HostParameters } from '../model/parameters.js';
import type { OptimizerSlots } from './checkpoint.js';

export interface OptimizerOptions {
  rule: UpdateRule;
  /** The rule's defaults for those left out. */
  settings: Settings;
  /** If a table's gradient comes by rows, update only those rows, see `updateRows`. */
  lazy: boolean;
}

/** An update rule over named parameters; its slots live on the GPU. */
export class Optimizer {
  /** Tensors by slot, then by parameter. */
  readonly slots: Readonly<Record<string, ReadonlyMap<string, Tensor>>>;

  /**
   * @param saved the slots of a resumed run; zeros if left out
   * @throws InputError if they are not the rule's
   */
  constructor(
    private readonly stream: Stream,
    private readonly parameters: ReadonlyMap<string, Tensor>,
    private readonly options: OptimizerOptions,
    saved?: OptimizerSlots,
  ) {
    const { name, slots } = options.rule;
    if (saved && Object.keys(saved).sort().join() !== [...slots].sort().join())
      throw new InputError(
        `the optimizer's state holds ${listed(Object.keys(saved))}, but ${name} keeps ${listed(slots)}`,
      );
    const load = (slot: string) =>
      new Map(
        [...parameters].map(([name, { shape }]) => [
          name,
          saved ? stream.upload(saved[slot].get(name)!.data, shape) : stream.zeros(shape),
        ]),
      );
    this.slots = stream.during("the optimizer's slots", () =>
      stream.scope(() => Object.fromEntries(slots.map((slot) => [slot, load(slot)]))),
    );
  }

  /** Updates every parameter that the tape has a gradient for, and takes those gradients. @param step counts from 1 */
  update(tape: Tape, step: number): void {
    const { rule, settings, lazy } = this.options;
    for (const { moved, gradient } of this.#take(tape))
      applyUpdate(this.stream, { rule, settings, step }, moved, gradient, { lazy });
  }

  /**
   * The same by clipped gradients; where one of them or a loss is not finite, nothing moves.
   * @param limit of their norm, null for none
   * @returns [2] see `clipFactor`
   */
  updateClipped(tape: Tape, step: number, limit: number | null, losses: readonly Tensor[]): Tensor {
    const { rule, settings, lazy } = this.options;
    return this.stream.scope(() => {
      const taken = this.#take(tape).map(({ moved, gradient }) => {
        return { moved, gradient, whole: wholeGradient(this.stream, gradient, moved.param.shape, { lazy }) };
      });
      const gradients = taken.map(({ whole }) => whole.dense);
      const clip = clipFactor(this.stream, gradients, limit, losses);
      for (const { moved, gradient, whole } of taken) {
        updateClipped(this.stream, { rule, settings, step }, moved, whole, clip);
        gradient.end();
      }
      return clip;
    });
  }

  /** The parameters that the tape has a gradient for, with their slots. */
  #take(tape: Tape): { moved: Moved; gradient: Gradient }[] {
    return [...this.parameters].flatMap(([name, param]) => {
      const gradient = tape.take(param);
      const slots = Object.entries(this.slots).map(([slot, tensors]) => [slot, tensors.get(name)!] as const);
      return gradient ? [{ moved: { ...Object.fromEntries(slots), param }, gradient }] : [];
    });
  }

  /** Gives the slots' memory back. */
  release(): void {
    for (const tensors of Object.values(this.slots)) for (const tensor of tensors.values()) this.stream.release(tensor);
  }
}

/** The slots of a rule before its first step. */
export function emptySlots({ slots }: UpdateRule, weights: HostParameters): OptimizerSlots {
  const zeros = () =>
    new Map([...weights].map(([name, { shape, data }]) => [name, { shape, data: new Float32Array(data.length) }]));
  return Object.fromEntries(slots.map((slot) => [slot, zeros()]));
}

function listed(names: readonly string[]): string {
  return names.join(' and ') || 'nothing';
}
