import type { HostRandom } from '../base/philox.js';
import type { Tape } from '../engine/tape.js';
import type { HostArray, Shape, Tensor } from '../engine/tensor.js';

/** An operand in host memory. */
export interface Operand<Data extends HostArray = HostArray> {
  shape: Shape;
  data: Data;
}

/** Inputs or outputs of a float64 reference by name: real numbers as float64, ids and counts as they are. */
export type ReferenceValues = Record<string, Float64Array | Uint32Array>;

/** The memory traffic and arithmetic that an operation needs at least. */
export interface Cost {
  bytes: number;
  flops: number;
}

/** What every operation says about itself, whatever its operands. */
interface Description<Case> {
  name: string;
  /** What it computes, with its source (paper, equation). */
  formula: string;
  /** Small shapes for values and gradients: 1, primes, odd tails, never only multiples of a workgroup. */
  cases: readonly Case[];
  /** Shapes worth timing. */
  benchShapes: readonly Case[];
  /** Its only differentiable output is a loss: a single number, at which the backward starts. */
  terminal?: boolean;
  /** What a pass costs. */
  cost: {
    /** The forward pass. */
    forward(shape: Case): Cost;
    /** The backward pass; left out if there is nothing to differentiate. */
    backward?(shape: Case): Cost;
  };
}

/**
 * An operation as tests, gradient checks, benches and `gsas-wgpu kernels` see it: they walk the registry and know none by name.
 * Cases differ between operations, so each case is passed only to the functions of its own operation.
 */
export interface Op extends Description<unknown> {
  /** Operands for a case, drawn at random. */
  inputs(shape: unknown, random: HostRandom): Record<string, Operand>;
  /** Inputs whose gradient is checked, in the cases that have them. */
  differentiable: readonly string[];
  /** Records the operation on the tape. Outputs are named as in `reference`. */
  run(tape: Tape, shape: unknown, inputs: Record<string, Tensor>): Record<string, Tensor>;
  /** The same in plain float64 loops, under `CASE_RANDOM`. */
  reference(shape: unknown, inputs: ReferenceValues): ReferenceValues;
}

/** An operation whose operands are typed by what `inputs` and `run` return; a name that is optional there is optional everywhere. */
export interface TypedOp<Case, Inputs, Outputs> extends Description<Case> {
  /** Operands for a case, drawn at random. */
  inputs(shape: Case, random: HostRandom): Inputs;
  /** Inputs whose gradient is checked, in the cases that have them. */
  differentiable: readonly (keyof Inputs & string)[];
  /** Records the operation on the tape. Outputs are named as in `reference`. */
  run(tape: Tape, shape: Case, inputs: { [Name in keyof Inputs]: Tensor }): Outputs;
  /** The same in plain float64 loops, under `CASE_RANDOM`. */
  reference(
    shape: Case,
    inputs: { [Name in keyof Inputs]: Wide<Exclude<Inputs[Name], undefined>> },
  ): { [Name in keyof Outputs]: Float64Array | Uint32Array };
}

type Wide<Input> = Input extends Operand<Uint32Array> ? Uint32Array : Float64Array;

/** Types an operation's functions by its cases and its inputs. `inputs` must come before `run` and `reference`, whose types are inferred from it. */
export function defineOp<Case>() {
  return <Inputs extends { [Name in keyof Inputs]: Operand }, Outputs extends { [Name in keyof Outputs]: Tensor }>(
    op: TypedOp<Case, Inputs, Outputs>,
  ): Op => op as unknown as Op;
}

/** The random state under which cases run, on the GPU and in the reference. */
export const CASE_RANDOM = { seed: 7, step: 3 } as const;
