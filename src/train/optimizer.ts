import type { Stream } from '../engine/stream.js';
import type { Tape } from '../engine/tape.js';
import type { Tensor } from '../engine/tensor.js';
import { adam } from '../kernels/update/adam/index.js';
import { scatterAdam } from '../kernels/update/scatter_adam/index.js';
import type { HostParameters } from '../model/parameters.js';

/** PyTorch's defaults. */
const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;

/**
 * Adam (Kingma and Ba, ICLR 2015) over named parameters, as torch.optim.Adam; tables whose gradients the tape keeps by rows can be moved
 * lazily, see `scatterAdam`. Its moments live on the GPU.
 */
export class Adam {
  readonly m: ReadonlyMap<string, Tensor>;
  readonly v: ReadonlyMap<string, Tensor>;

  /** @param moments of a run that is resumed; zeros if left out */
  constructor(
    private readonly stream: Stream,
    private readonly parameters: ReadonlyMap<string, Tensor>,
    private readonly settings: { lr: number; lazy: boolean },
    moments?: { m: HostParameters; v: HostParameters },
  ) {
    const load = (saved?: HostParameters) =>
      new Map(
        [...parameters].map(([name, { shape }]) => [
          name,
          saved ? stream.upload(saved.get(name)!.data, shape) : stream.zeros(shape),
        ]),
      );
    this.m = load(moments?.m);
    this.v = load(moments?.v);
  }

  /** Moves every parameter that the tape has a gradient for. @param step counts from 1 */
  update(tape: Tape, step: number): void {
    const { lr, lazy } = this.settings;
    const options = { lr, beta1: BETA1, beta2: BETA2, eps: EPSILON, step };
    for (const [name, param] of this.parameters) {
      const state = { param, m: this.m.get(name)!, v: this.v.get(name)! };
      const gradient = tape.take(param);
      const dense = gradient?.takeDense();
      const rows = gradient?.takeRows();
      if (rows?.length) scatterAdam(this.stream, rows, state, { ...options, lazy });
      else if (dense) adam(this.stream, { ...state, gradient: dense }, options);
      gradient?.end();
    }
  }

  /** Gives the moments' memory back. */
  release(): void {
    for (const moment of [...this.m.values(), ...this.v.values()]) this.stream.release(moment);
  }
}
