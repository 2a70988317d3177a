import { GsasError } from '../../src/base/errors.js';
import { HostRandom } from '../../src/base/philox.js';
import type { AnyOp, HostTensor, ReferenceValues } from '../../src/engine/kernel.js';
import type { Stream } from '../../src/engine/stream.js';
import type { HostArray, Tensor } from '../../src/engine/tensor.js';
import { difference, largest, widen } from '../../test/support/numbers.js';
import type { OpRun } from './op-run.js';

type HostNumbers = Record<string, HostArray>;

const VALUE_TOLERANCE = 1e-5; // of the largest value of an output, as in the tests
const GRADIENT_TOLERANCE = 1e-4; // of the norm of a gradient
/** So small that hardly any ReLU has its kink within it; over it, float64's rounding still stays below 1e-5. */
const STEP = 1e-7;

/**
 * Compares an operation's outputs with its float64 reference, and its gradients with the reference's derivative in one random direction:
 * along it every element of every gradient counts, and at any size two more evaluations of the reference are enough.
 * @throws GsasError naming what is wrong and by how much
 */
export async function checkOp(
  run: OpRun,
  op: AnyOp,
  shape: unknown,
  inputs: Record<string, HostTensor>,
): Promise<void> {
  const fail = (what: string): never => {
    throw new GsasError(`${op.name} at ${JSON.stringify(shape)}: ${what}; it is not timed while it is wrong`);
  };
  const wide = widen(inputs);
  const expected = op.reference(shape, wide);
  const { outputs, gradients } = await runOnce(run);
  for (const [name, reference] of Object.entries(expected)) {
    const apart = difference(outputs[name], reference) / (largest(reference) || 1);
    const tolerance = reference instanceof Uint32Array ? 0 : VALUE_TOLERANCE;
    if (!(apart <= tolerance)) fail(`${name} is off by ${apart.toExponential(1)} of its largest value`);
  }
  if (run.differentiable.length === 0) return;
  const reference = (moved: ReferenceValues) => op.reference(shape, moved);
  const apart = directionalError(reference, wide, gradients, op.terminal ? undefined : run.cotangents);
  if (!(apart <= GRADIENT_TOLERANCE)) fail(`a gradient is off by ${apart.toExponential(1)} of its norm`);
}

/** The outputs and the inputs' gradients. */
async function runOnce(run: OpRun): Promise<{ outputs: HostNumbers; gradients: HostNumbers }> {
  const { stream } = run;
  const [outputs, gradients] = stream.scope(() => [
    download(stream, run.forward().outputs),
    download(stream, run.differentiable.length > 0 ? run.readyBackward()() : {}),
  ]);
  stream.submit();
  return { outputs: await outputs!, gradients: await gradients! };
}

async function download(stream: Stream, tensors: Record<string, Tensor>): Promise<HostNumbers> {
  const reads = Object.entries(tensors).map(async ([name, tensor]) => [name, await stream.download(tensor)] as const);
  return Object.fromEntries(await Promise.all(reads));
}

/**
 * How far gradients are from the derivative of L = sum over outputs of <cotangent, output> (without cotangents: of the one output, a loss)
 * in a random direction, in units of a gradient's norm. The direction is normal in each element and scaled so that each input's gradient has norm 1.
 */
export function directionalError(
  reference: (inputs: ReferenceValues) => ReferenceValues,
  inputs: ReferenceValues,
  gradients: Record<string, ArrayLike<number>>,
  cotangents?: Record<string, ArrayLike<number>>,
): number {
  const random = new HostRandom(5);
  const names = Object.keys(gradients);
  const norms = names.map((name) => norm(gradients[name]) || 1);
  const step = STEP * Math.min(...norms);
  const up: ReferenceValues = { ...inputs };
  const down: ReferenceValues = { ...inputs };
  let along = 0;
  names.forEach((name, i) => {
    const values = inputs[name] as Float64Array;
    const gradient = gradients[name];
    const direction = Float64Array.from(values, () => random.normal() / norms[i]);
    along += dot(direction, gradient);
    up[name] = values.map((value, j) => value + step * direction[j]);
    down[name] = values.map((value, j) => value - step * direction[j]);
  });
  const loss = (outputs: ReferenceValues) =>
    cotangents
      ? Object.entries(cotangents).reduce((sum, [name, cotangent]) => sum + dot(outputs[name], cotangent), 0)
      : Object.values(outputs)[0][0];
  const derivative = (loss(reference(up)) - loss(reference(down))) / (2 * step);
  return Math.abs(along - derivative) / Math.sqrt(names.length);
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

function norm(values: ArrayLike<number>): number {
  return Math.sqrt(dot(values, values));
}
