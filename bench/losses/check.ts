import { GsasError } from '../../src/base/errors.js';

/** How many elements of a gradient are compared, beside its norm. */
const ELEMENTS = 997;

/** A gradient in short: its norm and elements at even distances. `losses.py` takes the same. */
export interface Sample {
  readonly norm: number;
  readonly elements: readonly number[];
}

/** A first step, by which implementations are compared: its loss and the gradients of both tables. */
export interface Outcome {
  readonly loss: number;
  readonly gradients: readonly Sample[];
}

export function sampleOf(gradient: Float32Array): Sample {
  const stride = Math.max(1, Math.floor(gradient.length / ELEMENTS));
  const elements = Array.from({ length: Math.ceil(gradient.length / stride) }, (_, i) => gradient[i * stride]);
  return { norm: Math.sqrt(gradient.reduce((sum, x) => sum + x * x, 0)), elements };
}

const LOSS_TOLERANCE = 1e-4;
const GRADIENT_TOLERANCE = 1e-3; // of the norm, and of the largest element

/** @throws GsasError naming what is off */
export function checkAgrees(name: string, found: Outcome, ours: Outcome): void {
  const off = (what: string, apart: number, tolerance: number) => {
    if (apart <= tolerance) return;
    throw new GsasError(
      `${name}: its ${what} is ${apart.toExponential(1)} from ours; it is not timed while they differ`,
    );
  };
  off('loss', Math.abs(found.loss / ours.loss - 1), LOSS_TOLERANCE);
  ours.gradients.forEach(({ norm, elements }, i) => {
    const theirs = found.gradients[i];
    const table = ['gradient of the input table', 'gradient of the output table'][i];
    off(table, Math.abs(theirs.norm / norm - 1), GRADIENT_TOLERANCE);
    const largest = Math.max(...elements.map(Math.abs)) || 1;
    const apart = elements.map((x, j) => Math.abs(x - theirs.elements[j]) / largest);
    off(table, Math.max(...apart, elements.length === theirs.elements.length ? 0 : Infinity), GRADIENT_TOLERANCE);
  });
}
