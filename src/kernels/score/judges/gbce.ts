import type { Judge } from '../judge.js';
import { LOG_Q_OPTIONS } from '../log-q.js';
import { logisticWgsl, softplus } from './logistic.js';

/**
 * Generalised binary cross entropy: (beta softplus(-s+) + sum_j softplus(s_j)) / (k + 1), BCE with the positive's probability raised to the
 * power beta (Petrov and Macdonald, "gSASRec", RecSys 2023, equations 10 to 14). beta = 1 is plain BCE.
 *
 * Where items differ in how likely they are drawn, alpha is an item's own: the times that it is drawn for a token, on average. docs/losses.md derives
 * that. So beta = 1 - t + t alpha, of which `beta` is the constant part and `per_draw` the factor of alpha.
 *
 * A positive weighs -beta, a candidate 1; then a score's share of the loss is |w| softplus(x) and its slope w sigmoid(x) with x = sign(w) s.
 */
export const gbce = {
  name: 'gbce',
  formula: '(beta softplus(-s+) + sum_j softplus(s_j)) / (k + 1) (Petrov, Macdonald 2023, eq. 10-14)',
  help: 'binary cross entropy that undoes the overconfidence of sampled negatives',
  needs: 'nothing',
  byCount: true,
  params: 'beta: f32, per_draw: f32,',
  uniforms: ({ beta, per_draw = 0 }) => ({ beta, per_draw }),
  wgsl: /* wgsl */ `${logisticWgsl('Score')}
fn weight_of(positive: bool, share: f32, draws: f32) -> f32 {
  return select(share, -(params.beta + params.per_draw * draws) * share, positive);
}
fn loss_of(w: Score, s: Score, row: Row) -> Score { return abs(w) * softplus(sign(w) * s); }
fn slope_of(w: Score, s: Score, row: Row) -> Score { return w * sigmoid(sign(w) * s); }
`,
  divisor: (k) => k + 1,
  weighsDraws: true,
  reference(positive, candidates, { beta, per_draw = 0 }, draws) {
    let loss = (beta + per_draw * draws) * softplus(-positive);
    for (let j = 0; j < candidates.length; j++) loss += softplus(candidates[j]);
    return loss / (candidates.length + 1);
  },
  options: {
    gbce_t: {
      type: 'number',
      default: 0.75,
      min: 0,
      max: 1,
      help: 'calibration t of the gBCE loss: 0 is plain BCE, 1 gives calibrated probabilities, as long as they are small',
    },
  },
  settings({ gbce_t }, { k, numItems, varies }) {
    const t = gbce_t as number;
    return varies ? { beta: 1 - t, per_draw: t } : { beta: gbceBeta(k, numItems, t) };
  },
  trials: [{ gbce_t: 0 }, { gbce_t: 1 }],
  /** ln(beta / k), where the gradients of one positive and k candidates cancel. */
  prior: ({ beta, per_draw = 0 }, k, draws = 0) => Math.min(0, Math.log((beta + per_draw * draws) / k)),
  calibrated: ({ gbce_t }) => gbce_t === 1,
} as const satisfies Judge;

/** Plain binary cross entropy, as SASRec is trained with (Kang and McAuley, ICDM 2018, equation 7): gBCE of t = 0. */
export const bce = {
  ...gbce,
  name: 'bce',
  formula: '(softplus(-s+) + sum_j softplus(s_j)) / (k + 1) (Kang, McAuley 2018, eq. 7)',
  help: 'plain binary cross entropy',
  byCount: false,
  options: LOG_Q_OPTIONS,
  logQ: {
    standard: true,
    corrected: 'it judges each score alone, so there is no denominator that the positive could be left out of',
  },
  settings: () => ({ beta: 1 }),
  trials: [],
  calibrated: () => false,
} as const satisfies Judge;

/**
 * gBCE's exponent of the positive's probability: beta = alpha (t (1 - 1/alpha) + 1/alpha), alpha = k / (N - 1)
 * (Petrov and Macdonald, RecSys 2023, section 5.2). t = 0 gives 1, plain BCE; t = 1 gives alpha, calibrated probabilities.
 */
export function gbceBeta(k: number, numItems: number, t: number): number {
  const alpha = k / (numItems - 1);
  return alpha * (t * (1 - 1 / alpha) + 1 / alpha);
}
