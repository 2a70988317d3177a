import type { Judge } from '../judge.js';
import { sigmoid } from './logistic.js';
import { SOFTMAX_WEIGHTED_WGSL, softmax } from './softmax_weighted.js';

/**
 * TOP1-max: sum_j p_j f_j, f_j = sigmoid(s_j - s+) + sigmoid(s_j^2), p the softmax of the candidates' scores (Hidasi and Karatzoglou, CIKM 2018, section
 * 3.3.1): how far the hardest candidates are above the positive, and how far their scores are from 0.
 *
 * Sums over candidates are Z of e^(s_j - m), m the largest score; F of e^(s_j - m) (f_j - f(m)), so that nothing is lost where one candidate has nearly all the
 * weight; and G of e^(s_j - m) sigmoid'(s_j - s+). The loss is L = f(m) + F / Z, a candidate's slope p_j (f_j' + f_j - L), and the positive's -G / Z.
 * As sigmoid(s^2) is near 1, the kernel holds f_j - 1.
 */
export const top1Max = {
  name: 'top1-max',
  help: 'pairwise, the hardest negatives counting for most, their scores held near 0',
  formula:
    'sum_j p_j (sigmoid(s_j - s+) + sigmoid(s_j^2)), p = softmax(s_1 ... s_k) (Hidasi, Karatzoglou 2018, section 3.3.1)',
  needs: 'softmax',
  params: '',
  uniforms: () => ({}),
  wgsl: /* wgsl */ `${SOFTMAX_WEIGHTED_WGSL}
fn one_value(s: f32, row: Row) -> f32 { return one_sigmoid(s - row.positive) - one_sigmoid(-s * s); } // f - 1
fn terms_of(s: f32, largest: f32, row: Row) -> vec4f {
  let above = one_value(s, row) - one_value(largest, row);
  return exp(s - largest) * vec4f(1.0, above, one_sigmoid_slope(s - row.positive), 0.0);
}
fn rebased(sums: vec4f, largest: f32, larger: f32, row: Row) -> vec4f {
  let change = one_value(largest, row) - one_value(larger, row);
  return exp(largest - larger) * vec4f(sums.x, sums.y + sums.x * change, sums.z, 0.0);
}
fn loss_of(w: Score, s: Score, row: Row) -> Score {
  return max(-w, Score(0.0)) * (1.0 + one_value(row.largest, row) + row.sums.y / row.sums.x);
}
fn slope_of(w: Score, s: Score, row: Row) -> Score {
  let ahead = s - Score(row.positive);
  let change = sigmoid_slope(ahead) + 2.0 * s * sigmoid_slope(s * s);
  let above = (sigmoid(ahead) - sigmoid(-s * s) - Score(one_value(row.largest, row))) - Score(row.sums.y / row.sums.x);
  let p = power(s, row.largest) / row.sums.x;
  return w * select(p * (change + above), Score(row.sums.z / row.sums.x), w < Score(0.0));
}
`,
  divisor: () => 1,
  reference(positive: number, candidates: ArrayLike<number>) {
    return softmax(candidates).reduce((loss, p, j) => {
      return loss + p * (sigmoid(candidates[j] - positive) + sigmoid(candidates[j] ** 2));
    }, 0);
  },
  options: {},
  settings: () => ({}),
} as const satisfies Judge;
