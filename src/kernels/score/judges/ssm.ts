import type { Judge } from '../judge.js';
import { LOG_Q_OPTIONS } from '../log-q.js';

/**
 * Cross entropy over the positive and the candidates, the sampled softmax: log(e^s+ + sum_j e^s_j) - s+ (Klenitskiy and Vasilev, "Turning Dross Into
 * Gold Loss", RecSys 2023, section 3.2, which draws uniformly, so that the standard correction would shift all scores alike).
 *
 * A positive weighs -1, a candidate 1, so that the kernel's weighted sum of probabilities e^(s - log-sum-exp) less 1 at the positive is the slope.
 */
export const ssm = {
  name: 'ssm',
  formula: 'log(e^s+ + sum_j e^s_j) - s+ (Klenitskiy, Vasilev 2023, section 3.2)',
  help: 'softmax over the positive and its negatives',
  needs: 'log_sum_exp',
  params: '',
  uniforms: () => ({}),
  wgsl: /* wgsl */ `
fn weight_of(positive: bool, share: f32, draws: f32) -> f32 { return select(share, -share, positive); }
fn loss_of(w: Score, s: Score, row: Row) -> Score { return max(-w, Score(0.0)) * (Score(row.log_sum_exp) - s); }
fn slope_of(w: Score, s: Score, row: Row) -> Score {
  return abs(w) * exp(min(s - Score(row.log_sum_exp), Score(0.0))) + min(w, Score(0.0));
}
`,
  divisor: () => 1,
  reference(positive: number, candidates: ArrayLike<number>) {
    let largest = positive;
    for (let j = 0; j < candidates.length; j++) largest = Math.max(largest, candidates[j]);
    let sum = Math.exp(positive - largest);
    for (let j = 0; j < candidates.length; j++) sum += Math.exp(candidates[j] - largest);
    return largest + Math.log(sum) - positive;
  },
  options: LOG_Q_OPTIONS,
  logQ: { standard: true, corrected: true },
  settings: () => ({}),
} as const satisfies Judge;

/** The softmax over all items, so that nothing is sampled: SASRec with cross entropy (Klenitskiy and Vasilev 2023, section 3.1). */
export const ce = {
  ...ssm,
  name: 'ce',
  formula: 'log sum_i e^s_i - s+ (Klenitskiy, Vasilev 2023, section 3.1)',
  help: 'softmax over all items',
  negatives: 'catalogue',
  options: {},
} as const satisfies Judge;
