import { HostRandom } from '../base/philox.js';
import type { ReferenceValues } from './op.js';

/** Largest absolute value. */
export function largest(values: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(values[i]));
  return most;
}

/** Largest absolute difference; infinite if the lengths differ or a difference is not a number. */
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

/** An operation's float64 reference at one shape. */
export type Reference = (inputs: ReferenceValues) => ReferenceValues;

/** dL/d(output) by output; L is the sum of the products of the outputs with them. */
export type Cotangents = Readonly<Record<string, ArrayLike<number>>>;

function lossOf(outputs: ReferenceValues, cotangents: Cotangents): number {
  return Object.entries(cotangents).reduce((sum, [name, cotangent]) => sum + dot(cotangent, outputs[name]), 0);
}

const ELEMENT_STEP = 1e-4;
const MOST_ELEMENTS = 150;

/**
 * Central differences of L for elements of one input: all of them, or 150 drawn at random.
 * @returns the elements' indices and dL/d(element)
 */
export function finiteDifferences(
  reference: Reference,
  inputs: ReferenceValues,
  name: string,
  cotangents: Cotangents,
): { index: number[]; derivative: number[] } {
  const values = inputs[name];
  const index = Array.from(values.keys());
  if (index.length > MOST_ELEMENTS) new HostRandom(11, values.length).shuffle(index);
  index.length = Math.min(index.length, MOST_ELEMENTS);
  const moved = values.slice();
  const loss = (i: number, step: number) => {
    moved[i] = values[i] + step;
    const loss = lossOf(reference({ ...inputs, [name]: moved }), cotangents);
    moved[i] = values[i];
    return loss;
  };
  const derivative = index.map((i) => (loss(i, ELEMENT_STEP) - loss(i, -ELEMENT_STEP)) / (2 * ELEMENT_STEP));
  return { index, derivative };
}

/** So small that hardly any ReLU has its kink within it, and large enough that float64's rounding divided by it stays below 1e-5. */
const DIRECTION_STEP = 1e-7;

/**
 * How far gradients are from the derivative of L in a random direction, relative to the gradients' norms. Every element of every gradient
 * counts, and two evaluations of the reference are enough at any size. The direction is normal in each element and scaled so that each
 * input's gradient has norm 1.
 */
export function directionalError(
  reference: Reference,
  inputs: ReferenceValues,
  gradients: Readonly<Record<string, ArrayLike<number>>>,
  cotangents: Cotangents,
): number {
  const random = new HostRandom(5);
  const names = Object.keys(gradients);
  const norms = names.map((name) => norm(gradients[name]) || 1);
  const step = DIRECTION_STEP * Math.min(...norms);
  const up: ReferenceValues = { ...inputs };
  const down: ReferenceValues = { ...inputs };
  let along = 0;
  names.forEach((name, i) => {
    const values = inputs[name];
    const direction = Float64Array.from(values, () => random.normal() / norms[i]);
    along += dot(direction, gradients[name]);
    up[name] = values.map((value, j) => value + step * direction[j]);
    down[name] = values.map((value, j) => value - step * direction[j]);
  });
  const derivative = (lossOf(reference(up), cotangents) - lossOf(reference(down), cotangents)) / (2 * step);
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
