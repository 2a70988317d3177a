import type { HostRandom } from '../base/philox.js';
import type { Tape } from './tape.js';
import type { HostArray, Shape, Tensor } from './tensor.js';

/** An input of an operation on the host. */
export interface HostTensor {
  shape: Shape;
  data: HostArray;
}

/** Inputs and outputs of a float64 reference: real numbers as float64, ids and counts as they are. */
export type ReferenceValues = Record<string, Float64Array | Uint32Array>;

/** Memory traffic and arithmetic that an operation cannot do without. */
export interface Cost {
  bytes: number;
  flops: number;
}

/**
 * What every operation in the registry says of itself. Tests, gradient checks, benches and `gsas-wgpu kernels` walk the registry and
 * know no operation by name.
 */
export interface Op<Case = unknown> {
  name: string;
  /** What it computes, with its source (paper, equation). */
  formula: string;
  /** Small shapes for values and gradients: 1, primes, odd tails, never only multiples of a workgroup. */
  cases: readonly Case[];
  /** Shapes worth timing. */
  benchShapes: readonly Case[];
  /** Operands for a case, drawn at random. */
  inputs(shape: Case, random: HostRandom): Record<string, HostTensor>;
  /** Inputs whose gradient is compared with finite differences of `reference`, in the cases that have them. */
  differentiable: readonly string[];
  /** Its one differentiable output is a loss: a single number, at which the backward starts with dL/dL = 1. */
  terminal?: boolean;
  /** Records the operation on the tape and returns its outputs by the names that `reference` gives them. */
  run(tape: Tape, shape: Case, inputs: Record<string, Tensor>): Record<string, Tensor>;
  /** The same in plain float64 loops. With `random` as in the tests: seed 7, step 3. */
  reference(shape: Case, inputs: ReferenceValues): ReferenceValues;
  /** What the forward pass of a case costs. */
  forward(shape: Case): Cost;
  /** Left out where there is nothing to differentiate. */
  backward?(shape: Case): Cost;
}

/** The registry holds operations of all kinds of cases; each knows its own. */
// biome-ignore lint/suspicious/noExplicitAny: a heterogeneous list of Op<Case>, each consistent in itself
export type AnyOp = Op<any>;

/** The random state under which the registry's cases run, on the GPU and in the reference. */
export const CASE_RANDOM = { seed: 7, step: 3 } as const;
