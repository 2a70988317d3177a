import type { Metric } from './metrics.js';

/** Shown beside every sampled metric. */
export const SAMPLED_WARNING =
  'sampled metrics mislead: they can rank models in another order than the whole catalogue does (Krichene and Rendle, KDD 2020)';

/**
 * What each user contributes to a sampled metric, for comparison with papers that report one: the target is ranked among `samples` items
 * drawn uniformly, with replacement, from its rivals. Its rank there is 1 + Binomial(samples, (rank - 1) / rivals) (Krichene and Rendle,
 * "On sampled metrics for item recommendation", KDD 2020, section 4), so the expectation over all draws is computed, not one draw.
 * @param ranks [users] over the whole catalogue; Infinity is not found and worth nothing
 * @param rivals [users] how many items each target was ranked against
 * @returns [users]
 */
export function sampledGains(
  { cutoff, gain }: Metric,
  ranks: ArrayLike<number>,
  rivals: ArrayLike<number>,
  samples: number,
): Float64Array {
  return Float64Array.from(ranks, (rank, user) => {
    if (rank === Infinity) return 0;
    const better = (rank - 1) / Math.max(1, rivals[user]);
    let expected = 0;
    let logChoose = 0;
    for (let above = 0; above <= samples && above < cutoff; above++) {
      if (above > 0) logChoose += Math.log((samples - above + 1) / above);
      expected += gain(above + 1) * Math.exp(logChoose + power(better, above) + power(1 - better, samples - above));
    }
    return expected;
  });
}

/** ln(base^exponent), where 0^0 is 1. */
function power(base: number, exponent: number): number {
  return exponent === 0 ? 0 : exponent * Math.log(base);
}
