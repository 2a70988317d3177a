import { HostRandom } from '../../src/base/philox.js';
import type { Op, ReferenceValues } from '../../src/engine/kernel.js';

/** Largest absolute value. */
export function largest(values: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(values[i]));
  return most;
}

/** Largest absolute difference; infinite where one is not a number. */
export function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let most = 0;
  for (let i = 0; i < a.length; i++) {
    const apart = Math.abs(a[i] - b[i]);
    if (Number.isNaN(apart)) return Number.POSITIVE_INFINITY;
    most = Math.max(most, apart);
  }
  return most;
}

/** Inputs as the reference takes them: real numbers widened to float64. */
export function widen(inputs: ReturnType<Op['inputs']>): ReferenceValues {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, { data }]) => [
      name,
      data instanceof Uint32Array ? data : Float64Array.from(data),
    ]),
  );
}

const STEP = 1e-4;
const MOST_ELEMENTS = 150;

/**
 * Central differences of L = sum over outputs of <cotangent, output> for elements of one input of a float64 reference: all of them, or
 * 150 drawn at random.
 * @returns the elements' indices and dL/d(element)
 */
export function finiteDifferences(
  reference: (inputs: ReferenceValues) => ReferenceValues,
  inputs: ReferenceValues,
  name: string,
  cotangents: ReferenceValues,
): { index: number[]; derivative: number[] } {
  const values = inputs[name] as Float64Array;
  const index = Array.from(values.keys());
  if (index.length > MOST_ELEMENTS) new HostRandom(11, values.length).shuffle(index);
  index.length = Math.min(index.length, MOST_ELEMENTS);
  const loss = (moved: Float64Array) => {
    const outputs = reference({ ...inputs, [name]: moved });
    let sum = 0;
    for (const [output, cotangent] of Object.entries(cotangents)) {
      for (let i = 0; i < cotangent.length; i++) sum += cotangent[i] * outputs[output][i];
    }
    return sum;
  };
  const derivative = index.map((i) => {
    const up = values.slice();
    const down = values.slice();
    up[i] = up[i] + STEP;
    down[i] = down[i] - STEP;
    return (loss(up) - loss(down)) / (2 * STEP);
  });
  return { index, derivative };
}
