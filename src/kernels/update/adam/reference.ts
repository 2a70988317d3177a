import type { AdamOptions } from './index.js';

/**
 * m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2;  with t the step, from 1:
 * param -= lr / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + eps)
 * Kingma, Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1, as torch.optim.Adam computes it.
 */
export function adamReference(
  { param, gradient, m, v }: Record<'param' | 'gradient' | 'm' | 'v', Float64Array>,
  { lr, beta1, beta2, eps, step }: AdamOptions,
): Record<'param' | 'm' | 'v', Float64Array> {
  const first = m.map((value, i) => beta1 * value + (1 - beta1) * gradient[i]);
  const second = v.map((value, i) => beta2 * value + (1 - beta2) * gradient[i] ** 2);
  const moved = param.map((value, i) => {
    const unbiased = second[i] / (1 - beta2 ** step);
    return value - ((lr / (1 - beta1 ** step)) * first[i]) / (Math.sqrt(unbiased) + eps);
  });
  return { param: moved, m: first, v: second };
}
