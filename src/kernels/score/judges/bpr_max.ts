import type { Judge } from '../judge.js';
import { softplus } from './logistic.js';
import { SOFTMAX_WEIGHTED_WGSL, softmax } from './softmax_weighted.js';

/**
 * BPR-max: -log sum_j p_j sigmoid(s+ - s_j) + lambda sum_j p_j s_j^2, p the softmax of the candidates' scores (Hidasi and Karatzoglou, CIKM 2018, section
 * 3.3.2 and, with the regularisation of scores, 3.3.3).
 *
 * The sigmoids vanish in float32 where candidates are far above the positive, so e^s_j sigmoid(s+ - s_j) is kept as e^q_j, q_j = s_j - softplus(s_j - s+).
 * It grows with s_j: the largest score m has the largest q, and m - q(m) = softplus(m - s+). With Z, Q, V and G the sums over candidates of e^(s_j - m),
 * e^(q_j - q(m)), e^(s_j - m) s_j^2 and e^(q_j - q(m)) sigmoid(s_j - s+), the loss is softplus(m - s+) + log(Z / Q) + lambda V / Z, a candidate's slope
 * p_j - r_j sigmoid(s+ - s_j) + lambda p_j (s_j^2 + 2 s_j - V / Z), r_j = e^(q_j - q(m)) / Q, and the positive's -G / Q.
 */
export const bprMax = {
  name: 'bpr-max',
  help: 'pairwise, the hardest negatives counting for most; with a penalty on their scores if one is asked for',
  formula:
    '-log sum_j p_j sigmoid(s+ - s_j) + lambda sum_j p_j s_j^2, p = softmax(s_1 ... s_k) (Hidasi, Karatzoglou 2018, section 3.3)',
  needs: 'softmax',
  params: 'bpreg: f32,',
  uniforms: ({ bpreg }) => ({ bpreg }),
  wgsl: /* wgsl */ `${SOFTMAX_WEIGHTED_WGSL}
// q(s) - q(m)
fn one_fall(s: f32, largest: f32, row: Row) -> f32 {
  return (s - largest) - (one_softplus(s - row.positive) - one_softplus(largest - row.positive));
}
fn terms_of(s: f32, largest: f32, row: Row) -> vec4f {
  let p = exp(s - largest);
  let r = exp(one_fall(s, largest, row));
  return vec4f(p, r, p * s * s, r * one_sigmoid(s - row.positive));
}
fn rebased(sums: vec4f, largest: f32, larger: f32, row: Row) -> vec4f {
  let p = exp(largest - larger);
  let r = exp(one_fall(largest, larger, row));
  return sums * vec4f(p, r, p, r);
}
fn loss_of(w: Score, s: Score, row: Row) -> Score {
  let pairs = one_softplus(row.largest - row.positive) + log(row.sums.x / row.sums.y);
  return max(-w, Score(0.0)) * (pairs + params.bpreg * row.sums.z / row.sums.x);
}
fn slope_of(w: Score, s: Score, row: Row) -> Score {
  let behind = Score(row.positive) - s;
  let p = power(s, row.largest) / row.sums.x;
  let highest = one_softplus(row.largest - row.positive);
  let r = exp(min(s - Score(row.largest) + Score(highest) - softplus(-behind), Score(0.0))) / row.sums.y;
  let penalty = params.bpreg * p * (s * s + 2.0 * s - Score(row.sums.z / row.sums.x));
  return w * select(p - r * sigmoid(behind) + penalty, Score(row.sums.w / row.sums.y), w < Score(0.0));
}
`,
  divisor: () => 1,
  reference(positive, candidates, { bpreg }) {
    const p = softmax(candidates);
    const powers = p.map((each, j) => Math.log(each) - softplus(candidates[j] - positive));
    const largest = powers.reduce((a, b) => Math.max(a, b), -Infinity);
    const ahead = largest + Math.log(powers.reduce((sum, power) => sum + Math.exp(power - largest), 0));
    return p.reduce((loss, each, j) => loss + bpreg * each * candidates[j] ** 2, -ahead);
  },
  options: {
    bpreg: {
      type: 'number',
      default: 0,
      min: 0,
      max: 1e6,
      help: "lambda, the penalty on the squares of negatives' scores in the loss bpr-max: 1 in GRU4Rec's code, where it is called bpreg too",
    },
  },
  settings: ({ bpreg }) => ({ bpreg: bpreg as number }),
  trials: [{ bpreg: 0.1 }, { bpreg: 1 }],
} as const satisfies Judge;
