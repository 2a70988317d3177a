import type { AdamOptions } from '../adam/index.js';
import { adamReference } from '../adam/reference.js';

/**
 * Adam on the rows that pairs name, and on no other; their gradient g[r] = sum over pairs p with ids[p] = r of weights[p] source[p / share].
 * A row without pairs keeps its parameters and its moments; the bias corrections count all steps. As torch.optim.SparseAdam computes it.
 */
export function lazyAdamReference(
  { param, m, v }: Record<'param' | 'm' | 'v', Float64Array>,
  gradient: Float64Array,
  touched: ReadonlySet<number>,
  D: number,
  options: AdamOptions,
): Record<'param' | 'm' | 'v', Float64Array> {
  const stepped = adamReference({ param, gradient, m, v }, options);
  const kept = (before: Float64Array, after: Float64Array) =>
    after.map((value, i) => (touched.has(Math.floor(i / D)) ? value : before[i]));
  return { param: kept(param, stepped.param), m: kept(m, stepped.m), v: kept(v, stepped.v) };
}
