import { logisticWgsl } from './logistic.js';

/**
 * WGSL that judges share which weigh candidates by p, the softmax of the candidates' scores, so that the hardest count for most (Hidasi and
 * Karatzoglou, "Recurrent neural networks with top-k gains for session-based recommendations", CIKM 2018, section 3.3). A positive weighs -1, a candidate 1.
 * `power(s, largest)` is e^(s - largest), which slots that hold nothing must not make infinite.
 */
export const SOFTMAX_WEIGHTED_WGSL = /* wgsl */ `${logisticWgsl('Score')}${logisticWgsl('f32', 'one_')}
fn weight_of(positive: bool, share: f32, draws: f32) -> f32 { return select(share, -share, positive); }
fn power(s: Score, largest: f32) -> Score { return exp(min(s - Score(largest), Score(0.0))); }
`;

/** The softmax of the candidates' scores. */
export function softmax(scores: ArrayLike<number>): Float64Array {
  const values = Float64Array.from(scores);
  const largest = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = values.map((s) => Math.exp(s - largest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}
