import { HostRandom } from '../base/philox.js';
import type { Gpu } from '../engine/gpu.js';
import { Stream } from '../engine/stream.js';
import { Tape } from '../engine/tape.js';
import { type HostArray, sizeOf, type Tensor } from '../engine/tensor.js';
import { difference, directionalError, finiteDifferences, largest } from './differences.js';
import { CASE_RANDOM, type Op, type Operand, type ReferenceValues } from './op.js';

/** An operation of the registry at one shape, its inputs on the GPU, to be run forward and backward any number of times. */
export class OpRun {
  /** Inputs that it has a gradient for. */
  readonly differentiable: readonly string[];
  /** dL/d(output) with which a backward starts, by output that a gradient flows through: 1 for a loss, else normal numbers. */
  readonly cotangents: Record<string, Float32Array> = {};
  readonly #host: Record<string, Operand>;
  readonly #inputs: Record<string, Tensor> = {};
  readonly #seeds: Record<string, Tensor> = {};

  /** @param random draws the inputs, then the cotangents */
  constructor(
    readonly stream: Stream,
    readonly op: Op,
    readonly shape: unknown,
    random: HostRandom,
  ) {
    stream.random = { ...CASE_RANDOM };
    this.#host = op.inputs(shape, random);
    this.differentiable = op.differentiable.filter((name) => name in this.#host);
    for (const [name, { data, shape: extent }] of Object.entries(this.#host)) {
      this.#inputs[name] = stream.upload(data, extent, { requiresGrad: this.differentiable.includes(name) });
    }
    if (this.differentiable.length === 0) return;
    let roots: [string, Tensor][] = [];
    stream.rehearse(() => {
      const { tape, outputs } = this.forward();
      roots = Object.entries(outputs).filter(([, output]) => tape.needsGradient(output));
    });
    for (const [name, { shape: extent }] of roots) {
      const values = Float32Array.from({ length: sizeOf(extent) }, () => (op.terminal ? 1 : random.normal()));
      this.cotangents[name] = values;
      if (!op.terminal) this.#seeds[name] = stream.upload(values, extent);
    }
  }

  /** The inputs as the reference takes them: real numbers widened to float64. */
  get wide(): ReferenceValues {
    const widen = (data: HostArray) => (data instanceof Uint32Array ? data : Float64Array.from(data));
    return Object.fromEntries(Object.entries(this.#host).map(([name, { data }]) => [name, widen(data)]));
  }

  /** Records the operation, as training does or, without `recording`, forward only. */
  forward(recording = true): { tape: Tape; outputs: Record<string, Tensor> } {
    const tape = new Tape(this.stream, recording);
    return { tape, outputs: this.op.run(tape, this.shape, this.#inputs) };
  }

  /** Records a forward and the start of a backward. Returns a function that records the rest and returns the inputs' gradients, for the caller to release. */
  readyBackward(): () => Record<string, Tensor> {
    return this.#readyBackward(this.forward());
  }

  /** Runs it once. @returns the outputs and the inputs' gradients */
  async results(): Promise<{ outputs: Record<string, HostArray>; gradients: Record<string, HostArray> }> {
    const { stream } = this;
    const [outputs, gradients] = stream.scope((): Promise<Record<string, HostArray>>[] => {
      const run = this.forward();
      const read = download(stream, run.outputs); // before the backward releases them
      return [read, download(stream, this.differentiable.length > 0 ? this.#readyBackward(run)() : {})];
    });
    stream.submit();
    return { outputs: await outputs, gradients: await gradients };
  }

  /** Gives the inputs' memory back. */
  release(): void {
    for (const tensor of [...Object.values(this.#inputs), ...Object.values(this.#seeds)]) this.stream.release(tensor);
  }

  #readyBackward({ tape, outputs }: ReturnType<OpRun['forward']>): () => Record<string, Tensor> {
    const roots = Object.keys(this.cotangents).map((name) => {
      const seed = this.#seeds[name];
      if (!seed) return { of: outputs[name] };
      const gradient = this.stream.empty(seed.shape); // a copy, because a backward consumes it
      this.stream.copy(seed, gradient);
      return { of: outputs[name], gradient };
    });
    return () => {
      tape.backward(...roots);
      return Object.fromEntries(this.differentiable.map((name) => [name, tape.gradient(this.#inputs[name])]));
    };
  }
}

/** Records copies to the host of tensors by name. */
export async function download(stream: Stream, tensors: Record<string, Tensor>): Promise<Record<string, HostArray>> {
  const reads = Object.entries(tensors).map(async ([name, tensor]) => [name, await stream.download(tensor)] as const);
  return Object.fromEntries(await Promise.all(reads));
}

/** How far one result of an operation is from what it should be. */
export interface Deviation {
  /** An output, or `d` and an input for its gradient. */
  name: string;
  /** The largest difference, relative to the largest value; infinite if the result has another size or is not a number. */
  apart: number;
  /** `apart` must not exceed it: 0 for integers. */
  tolerance: number;
}

const VALUE_TOLERANCE = 1e-5; // of the largest value of an output
const GRADIENT_TOLERANCE = 5e-5; // of the largest element of a gradient
const DIRECTION_TOLERANCE = 1e-4; // of the norm of a gradient

/**
 * Runs an operation and compares its outputs with its float64 reference, and its gradients with the reference's derivatives: elements of
 * each by finite differences, or all at once in a random direction, for which two evaluations of the reference are enough at any size.
 * @returns a deviation for every output and for every gradient, or one for all gradients together
 */
export async function compare(run: OpRun, by: 'elements' | 'direction' = 'elements'): Promise<Deviation[]> {
  const { op, shape, wide, cotangents } = run;
  const { outputs, gradients } = await run.results();
  const reference = (inputs: ReferenceValues) => op.reference(shape, inputs);
  const expected = reference(wide);
  const names = new Set([...Object.keys(expected), ...Object.keys(outputs)]);
  const deviations = [...names].map((name) => ({
    name,
    apart: relative(outputs[name] ?? [], expected[name] ?? [Number.NaN]),
    tolerance: expected[name] instanceof Uint32Array ? 0 : VALUE_TOLERANCE,
  }));
  if (run.differentiable.length === 0) return deviations;
  if (by === 'direction') {
    const apart = directionalError(reference, wide, gradients, cotangents);
    return [...deviations, { name: 'gradient', apart, tolerance: DIRECTION_TOLERANCE }];
  }
  for (const name of run.differentiable) {
    const { index, derivative } = finiteDifferences(reference, wide, name, cotangents);
    const sampled = index.map((i) => gradients[name][i]);
    deviations.push({ name: `d${name}`, apart: relative(sampled, derivative), tolerance: GRADIENT_TOLERANCE });
  }
  return deviations;
}

function relative(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  return difference(actual, expected) / (largest(expected) || 1);
}

/** Whether a result is wrong. */
export function isOff({ apart, tolerance }: Deviation): boolean {
  return !(apart <= tolerance);
}

/** Compares one of an operation's cases, as `compare` does. Inputs differ from case to case. */
export async function checkCase(gpu: Gpu, op: Op, number: number): Promise<Deviation[]> {
  const run = new OpRun(new Stream(gpu), op, op.cases[number], new HostRandom(1, number));
  try {
    return await compare(run);
  } finally {
    run.release();
  }
}
