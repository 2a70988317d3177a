import { InputError } from '../base/errors.js';
import type { Stream } from '../engine/stream.js';
import type { Tape } from '../engine/tape.js';
import type { Tensor } from '../engine/tensor.js';
import { adam } from '../kernels/update/adam/index.js';
import { scatterAdam } from '../kernels/update/scatter_adam/index.js';
import type { OptimizerSlots } from './checkpoint.js';

/** PyTorch's defaults. */
const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;

/**
 * Adam (Kingma and Ba, ICLR 2015) over named parameters, as torch.optim.Adam; tables whose gradients the tape keeps by rows can be moved
 * lazily, see `scatterAdam`. Its slots live on the GPU.
 */
export class Adam {
  /** First and second moments, by the names of their parameters. */
  readonly slots: Readonly<Record<'m' | 'v', ReadonlyMap<string, Tensor>>>;

  /**
   * @param saved slots of a run that is resumed; zeros if left out
   * @throws InputError when they are not Adam's
   */
  constructor(
    private readonly stream: Stream,
    private readonly parameters: ReadonlyMap<string, Tensor>,
    private readonly settings: { lr: number; lazy: boolean },
    saved?: OptimizerSlots,
  ) {
    const load = (slot: 'm' | 'v') => {
      if (saved && !saved[slot])
        throw new InputError(`the optimizer's state holds ${Object.keys(saved).join(', ')}, but Adam needs m and v`);
      const entries = [...parameters].map(([name, { shape }]): [string, Tensor] => {
        return [name, saved ? stream.upload(saved[slot].get(name)!.data, shape) : stream.zeros(shape)];
      });
      return new Map(entries);
    };
    this.slots = { m: load('m'), v: load('v') };
  }

  /** Moves every parameter that the tape has a gradient for. @param step counts from 1 */
  update(tape: Tape, step: number): void {
    const { lr, lazy } = this.settings;
    const options = { lr, beta1: BETA1, beta2: BETA2, eps: EPSILON, step };
    for (const [name, param] of this.parameters) {
      const state = { param, m: this.slots.m.get(name)!, v: this.slots.v.get(name)! };
      const gradient = tape.take(param);
      const dense = gradient?.takeDense();
      const rows = gradient?.takeRows();
      if (rows?.length) scatterAdam(this.stream, rows, state, { ...options, lazy });
      else if (dense) adam(this.stream, { ...state, gradient: dense }, options);
      gradient?.end();
    }
  }

  /** Gives the slots' memory back. */
  release(): void {
    for (const slot of Object.values(this.slots)) for (const tensor of slot.values()) this.stream.release(tensor);
  }
}
