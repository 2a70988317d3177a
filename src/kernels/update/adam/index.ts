import { GsasError } from '../../../base/errors.js';
import type { Stream } from '../../../engine/stream.js';
import { checkShapes, sizeOf, type Tensor } from '../../../engine/tensor.js';
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
