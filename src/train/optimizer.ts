import { InputError } from '../base/errors.js';
import type { Settings } from '../base/options.js';
import type { Stream } from '../engine/stream.js';
import type { Tape } from '../engine/tape.js';
import type { Tensor } from '../engine/tensor.js';
import { applyUpdate } from '../kernels/update/index.js';
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
    this.slots = Object.fromEntries(slots.map((slot) => [slot, load(slot)]));
  }

  /** Updates every parameter that the tape has a gradient for, and takes those gradients. @param step counts from 1 */
  update(tape: Tape, step: number): void {
    const { rule, settings, lazy } = this.options;
    for (const [name, param] of this.parameters) {
      const gradient = tape.take(param);
      if (!gradient) continue;
      const slots = Object.entries(this.slots).map(([slot, tensors]) => [slot, tensors.get(name)!] as const);
      applyUpdate(this.stream, { rule, settings, step }, { ...Object.fromEntries(slots), param }, gradient, { lazy });
    }
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
