import type { Stream } from '../../engine/stream.js';
import { sizeOf, type Tensor } from '../../engine/tensor.js';
import { cellsOf } from '../cells.js';
import { clipByNorm, squareSums, WORKGROUP } from './shader.js';

/** Workgroups that share a tensor at most. */
const MOST_GROUPS = 256;
/** No limit, as a number that a shader can divide by a norm. */
const UNLIMITED = 3e38;

/**
 * The factor by which gradients are clipped to a norm: min(1, limit / (norm + 1e-6)), the norm over all of them as one vector (Pascanu,
 * Mikolov, Bengio, "On the difficulty of training recurrent neural networks", ICML 2013, algorithm 1, as torch.nn.utils.clip_grad_norm_ computes
 * it). It is 0 where a number is NaN or infinite, or the sum of squares exceeds float32. Sums run in a fixed order.
 * @param limit null for none: the factor is then 1 or 0
 * @param losses tensors that must be finite as well, and are no part of the norm
 * @returns [2] the factor and the norm
 */
export function clipFactor(
  stream: Stream,
  gradients: readonly Tensor[],
  limit: number | null,
  losses: readonly Tensor[] = [],
): Tensor {
  const clip = stream.empty([2]);
  stream.scope(() => {
    const parts = [...gradients.map((x) => ({ x, weight: 1 })), ...losses.map((x) => ({ x, weight: 0 }))].map(
      (part) => {
        const { type, count } = cellsOf(sizeOf(part.x.shape));
        return { ...part, type, count, groups: Math.min(MOST_GROUPS, Math.ceil(count / WORKGROUP)) };
      },
    );
    const sums = stream.empty([parts.reduce((total, { groups }) => total + groups, 0)]);
    let first = 0;
    for (const { x, weight, type, count, groups } of parts) {
      stream.dispatch(squareSums({ cell: type }), { x, sums, count, first, groups, weight }, [groups, 1]);
      first += groups;
    }
    stream.dispatch(clipByNorm({}), { sums, clip, count: first, limit: limit ?? UNLIMITED }, 1);
  });
  return clip;
}
