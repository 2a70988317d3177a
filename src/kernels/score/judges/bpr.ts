import type { Judge } from '../judge.js';
import { logisticWgsl, softplus } from './logistic.js';

/**
 * Bayesian personalised ranking, the mean over candidates of softplus(s_j - s+) (Rendle, Freudenthaler, Gantner, Schmidt-Thieme, UAI 2009, section
 * 4.1, its regularisation left to the optimizer): how often, and by how much, a candidate is ranked above the positive.
 *
 * A candidate weighs 1 and a positive nothing: what it gains is the sum of what the candidates lose.
 */
export const bpr = {
  name: 'bpr',
  help: 'pairwise, a positive against each negative',
  formula: 'mean_j softplus(s_j - s+) (Rendle et al. 2009, section 4.1)',
  needs: 'positive',
  params: '',
  uniforms: () => ({}),
  wgsl: /* wgsl */ `${logisticWgsl('Score')}
fn weight_of(positive: bool, share: f32, draws: f32) -> f32 { return select(share, 0.0, positive); }
fn loss_of(w: Score, s: Score, row: Row) -> Score { return w * softplus(s - Score(row.positive)); }
fn slope_of(w: Score, s: Score, row: Row) -> Score { return w * sigmoid(s - Score(row.positive)); }
`,
  divisor: (k: number) => k,
  reference(positive: number, candidates: ArrayLike<number>) {
    let loss = 0;
    for (let j = 0; j < candidates.length; j++) loss += softplus(candidates[j] - positive);
    return loss / candidates.length;
  },
  options: {},
  settings: () => ({}),
} as const satisfies Judge;
