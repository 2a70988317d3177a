import { HostRandom } from '../../src/base/philox.js';
import { type AnyOp, CASE_RANDOM, type HostTensor } from '../../src/engine/kernel.js';
import type { Stream } from '../../src/engine/stream.js';
import { Tape } from '../../src/engine/tape.js';
import { sizeOf, type Tensor } from '../../src/engine/tensor.js';

type Named<T> = Record<string, T>;

/** An operation of the registry at one shape, its inputs on the GPU, to be run forward and backward as often as one likes. */
export class OpRun {
  /** Inputs that it has a gradient for. */
  readonly differentiable: readonly string[];
  /** dL/d(output) from which a backward starts, normal numbers; none where the output is the loss itself. */
  readonly cotangents: Named<Float32Array> = {};
  readonly #inputs: Named<Tensor> = {};
  readonly #seeds: Named<Tensor> = {};

  constructor(
    readonly stream: Stream,
    private readonly op: AnyOp,
    private readonly shape: unknown,
    inputs: Named<HostTensor>,
  ) {
    stream.random = { ...CASE_RANDOM };
    this.differentiable = op.differentiable.filter((name) => name in inputs);
    for (const [name, { data, shape: extent }] of Object.entries(inputs)) {
      this.#inputs[name] = stream.upload(data, extent, { requiresGrad: this.differentiable.includes(name) });
    }
    if (op.terminal) return;
    let differentiable: [string, Tensor][] = [];
    stream.rehearse(() => {
      const { tape, outputs } = this.forward();
      differentiable = Object.entries(outputs).filter(([, output]) => tape.needsGradient(output));
    });
    const random = new HostRandom(3);
    for (const [name, output] of differentiable) {
      this.cotangents[name] = Float32Array.from({ length: sizeOf(output.shape) }, () => random.normal());
      this.#seeds[name] = stream.upload(this.cotangents[name], output.shape);
    }
  }

  /** Records the operation as training does. */
  forward(): { tape: Tape; outputs: Named<Tensor> } {
    const tape = new Tape(this.stream);
    return { tape, outputs: this.op.run(tape, this.shape, this.#inputs) };
  }

  /** Records a forward and the start of a backward. Returns what records the rest: the inputs' gradients, for the caller to release. */
  readyBackward(): () => Named<Tensor> {
    const { tape, outputs } = this.forward();
    const roots = this.op.terminal
      ? Object.values(outputs).map((of) => ({ of }))
      : Object.entries(this.#seeds).map(([name, seed]) => {
          const gradient = this.stream.empty(seed.shape); // a copy, for a backward consumes it
          this.stream.copy(seed, gradient);
          return { of: outputs[name], gradient };
        });
    return () => {
      tape.backward(...roots);
      return Object.fromEntries(this.differentiable.map((name) => [name, tape.gradient(this.#inputs[name])]));
    };
  }

  /** Gives the inputs' memory back. */
  release(): void {
    for (const tensor of [...Object.values(this.#inputs), ...Object.values(this.#seeds)]) this.stream.release(tensor);
  }
}
