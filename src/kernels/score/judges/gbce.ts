import type { Judge } from '../judge.js';
import { LOGISTIC_WGSL, softplus } from './logistic.js';

/**
 * Generalised binary cross entropy: (beta softplus(-s+) + sum_j softplus(s_j)) / (k + 1), BCE with the positive's probability raised to the
 * power beta (Petrov and Macdonald, "gSASRec", RecSys 2023, equations 10 to 14). beta = 1 is plain BCE.
 *
 * A positive weighs -beta, a candidate 1; then a score's share of the loss is |w| softplus(x) and its slope w sigmoid(x) with x = sign(w) s.
 */
export const gbce = {
  name: 'gbce',
  formula: '(beta softplus(-s+) + sum_j softplus(s_j)) / (k + 1) (Petrov, Macdonald 2023, eq. 10-14)',
  help: 'binary cross entropy that undoes the overconfidence of sampled negatives',
  needs: 'nothing',
  params: 'beta: f32,',
  uniforms: ({ beta }) => ({ beta }),
  wgsl: /* wgsl */ `${LOGISTIC_WGSL}
fn weight_of(positive: bool, share: f32) -> f32 { return select(share, -params.beta * share, positive); }
fn loss_of(w: Score, s: Score, row: Row) -> Score { return abs(w) * softplus(sign(w) * s); }
fn slope_of(w: Score, s: Score, row: Row) -> Score { return w * sigmoid(sign(w) * s); }
`,
  divisor: (k) => k + 1,
  reference(positive, candidates, { beta }) {
    let loss = beta * softplus(-positive);
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
  settings: ({ gbce_t }, { k, numItems }) => ({ beta: gbceBeta(k, numItems, gbce_t as number) }),
  trials: [{ gbce_t: 0 }, { gbce_t: 1 }],
  /** ln(beta / k), where the gradients of one positive and k candidates cancel. */
  prior: ({ beta }, k) => Math.min(0, Math.log(beta / k)),
  calibrated: ({ gbce_t }) => gbce_t === 1,
} as const satisfies Judge;

/** Plain binary cross entropy, as SASRec is trained with (Kang and McAuley, ICDM 2018, equation 7): gBCE of t = 0. */
export const bce = {
  ...gbce,
  name: 'bce',
  formula: '(softplus(-s+) + sum_j softplus(s_j)) / (k + 1) (Kang, McAuley 2018, eq. 7)',
  help: 'plain binary cross entropy',
  options: {},
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
