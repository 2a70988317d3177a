import { GsasError } from '../../../base/errors.js';
import type { Op } from '../../../engine/kernel.js';
import type { Stream } from '../../../engine/stream.js';
import { checkShapes, sizeOf, type Tensor } from '../../../engine/tensor.js';
import { normals } from '../../inputs.js';
import { adamReference } from './reference.js';
import { adamStep } from './shader.js';

const WORKGROUP = 64;

export interface AdamOptions {
  lr: number;
  beta1: number;
  beta2: number;
  eps: number;
  /** Number of this step, counted from 1. */
  step: number;
}

/**
 * One step of Adam in place, dense, as torch.optim.Adam does it without weight decay; the bias corrections are worked out here in
 * double precision.
 * @param tensors param, its gradient, and the moments m and v (zeros before the first step), all of one shape
 * @throws ShapeError when the shapes disagree; GsasError for a step before the first
 */
export function adam(
  stream: Stream,
  { param, gradient, m, v }: Record<'param' | 'gradient' | 'm' | 'v', Tensor>,
  options: AdamOptions,
): void {
  const axes = param.shape.map((_, i) => `n${i}`);
  checkShapes('adam', {
    param: [param, ...axes],
    gradient: [gradient, ...axes],
    m: [m, ...axes],
    v: [v, ...axes],
  });
  const vector = sizeOf(param.shape) % 4 === 0;
  const size = sizeOf(param.shape) / (vector ? 4 : 1);
  stream.dispatch(
    adamStep({ workgroup: WORKGROUP, vector }),
    { param, gradient, m, v, size, ...adamUniforms(options) },
    Math.ceil(size / WORKGROUP),
  );
}

/** The numbers that a step of Adam's shader takes. @throws GsasError for a step before the first */
export function adamUniforms({ lr, beta1, beta2, eps, step }: AdamOptions): Record<string, number> {
  if (step < 1) throw new GsasError(`adam: step is ${step}, but steps are counted from 1`);
  return {
    one_minus_beta1: 1 - beta1,
    beta2,
    one_minus_beta2: 1 - beta2,
    step_size: lr / (1 - beta1 ** step),
    root_correction: Math.sqrt(1 - beta2 ** step),
    eps,
  };
}

const DEFAULTS = { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8 }; // PyTorch's

export const adamOp: Op<{ rows: number; columns: number; step: number; lr?: number }> = {
  name: 'adam',
  formula: 'param -= lr mhat / (sqrt(vhat) + eps) (Kingma, Ba 2015, algorithm 1)',
  cases: [
    { rows: 1, columns: 1, step: 1 },
    { rows: 61, columns: 7, step: 5, lr: 0.3 },
    { rows: 67, columns: 4, step: 100_000, lr: 0.3 },
    { rows: 5, columns: 129, step: 2 },
  ],
  benchShapes: [
    { rows: 3418, columns: 128, step: 10 },
    { rows: 54_544, columns: 128, step: 10 },
  ],
  inputs: ({ rows, columns, step }, random) => {
    const shape = [rows, columns];
    const scale = step === 1 ? 0 : 0.1; // no moments before the first step
    const v = normals(random, shape, scale);
    v.data.forEach((value, i) => {
      v.data[i] = value * value;
    });
    return { param: normals(random, shape), gradient: normals(random, shape), m: normals(random, shape, scale), v };
  },
  differentiable: [],
  run: ({ stream }, { step, lr }, { param, gradient, m, v }) => {
    adam(stream, { param: param!, gradient: gradient!, m: m!, v: v! }, { ...DEFAULTS, ...(lr && { lr }), step });
    return { param: param!, m: m!, v: v! };
  },
  reference: (shape, inputs) =>
    adamReference(inputs as Record<'param' | 'gradient' | 'm' | 'v', Float64Array>, { ...DEFAULTS, ...shape }),
  forward: ({ rows, columns }) => ({ bytes: 28 * rows * columns, flops: 13 * rows * columns }),
};
