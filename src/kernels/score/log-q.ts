import type { Option } from '../../base/options.js';
import { wgsl } from '../../engine/wgsl.js';

/**
 * How scores are corrected for how their items are drawn, before they are judged. With q an item's probability to be drawn, k q is how often it is drawn
 * for a token, on average.
 * - `standard`: s - log(k q) for the positive and its candidates (Yi et al., RecSys 2019, section 3, whose batch softmax is this but for log k, which
 *   cancels). For binary cross entropy it is noise contrastive estimation (Gutmann and Hyvärinen, AISTATS 2010; Mnih and Teh, ICML 2012), which k
 *   matters to.
 * - `corrected`: the positive is not drawn but there for certain, so that its score stays and it is left out of the drawn part of the denominator, and so
 *   are candidates that repeat it (Khrylchenko et al., RecSys 2025, arXiv 2507.09331). Their loss, sg(1 - P) (log Z - s+) with Z the sum over candidates
 *   of e^(s - log(k q)), P = e^s+ / (e^s+ + Z) and sg for a constant, has the gradient of log(e^s+ + Z) - s+, which is computed here: its value is an
 *   estimate of the cross entropy over the catalogue.
 */
export type LogQ = 'none' | Correction;
export type Correction = 'standard' | 'corrected';

/** For each correction: true, or why it makes no sense. */
export type Corrections = Readonly<Record<Correction, true | string>>;

export const LOG_Q_OPTIONS = {
  log_q: {
    type: 'choice',
    default: 'none',
    choices: ['none', 'standard', 'corrected'],
    help: 'correction of scores by how likely their items are drawn: standard subtracts log(k q) from every score, corrected from those of drawn items, the positive not counted among them',
  },
} as const satisfies Record<string, Option>;

/** Lower than any score. */
export const LOWEST = '-3.0e38f';

/**
 * WGSL: `correction(positive: bool, repeats: bool, log_draws: f32) -> f32`, what is added to a score. `repeats`: it is that of a candidate which is the
 * token's positive. `log_draws`: log(k q) of the item.
 */
export function correctionWgsl(logQ: Correction): string {
  return wgsl`
fn correction(positive: bool, repeats: bool, log_draws: f32) -> f32 {
#if ${logQ === 'standard'}
  return -log_draws;
#else
  return select(select(-log_draws, ${LOWEST}, repeats), 0.0, positive);
#endif
}
`;
}

/** The same on the host; -Infinity leaves an item out. */
export function correctionOf(logQ: Correction, positive: boolean, repeats: boolean, logDraws: number): number {
  if (logQ === 'standard') return -logDraws;
  if (positive) return 0;
  return repeats ? -Infinity : -logDraws;
}
