import type { HostRandom } from '../../../base/philox.js';
import { integers, normals } from '../../inputs.js';
import type { Judge, Verdict } from '../judge.js';
import { correctionOf, type LogQ } from '../log-q.js';
import { packWeights, unpackWeights } from '../targets.js';

/** T tokens, N items. `weighted`: tokens have weights. `scale`: the batch is a part of a larger one. */
export interface JudgedCase {
  T: number;
  D: number;
  N: number;
  weighted?: boolean;
  scale?: number;
}

/** A judge as the configuration's defaults, and what differs from them, make it. */
export function verdictOf(
  judge: Judge,
  { k, N, options, varies }: { k: number; N: number; options?: Readonly<Record<string, unknown>>; varies?: boolean },
): Verdict {
  const defaults = Object.fromEntries(Object.entries(judge.options).map(([key, option]) => [key, option.default]));
  return {
    judge,
    settings: judge.settings({ ...defaults, ...options }, { k, numItems: N, ...(varies && { varies }) }),
  };
}

/** Hidden states, a table and targets; every third weight is 0. */
export function judgedInputs({ T, D, N, weighted }: JudgedCase, random: HostRandom) {
  const targets = integers(random, [T], 1, N);
  const weights = () => Float32Array.from({ length: T }, (_, t) => (t % 3 === 0 ? 0 : random.uniform()));
  return {
    h: normals(random, [T, D]),
    table: normals(random, [N + 2, D]),
    targets: weighted ? { shape: [T, 2], data: packWeights(targets.data, weights()) } : targets,
  };
}

/**
 * The sum over tokens of scale times weight times the judge's loss of the token's positive and candidates, s = h[t] . table[id].
 * @param inputs h [T, D], table [R, D], targets [T] or weighted [T, 2]
 * @param candidatesOf the candidates of a token with this positive
 * @param drawing how scores are corrected, and log(k q) of an item for a token, where items differ or scores are corrected; and the k that losses are
 * divided by, if a token may have fewer candidates
 * @returns [1]
 */
export function judgedReference(
  { judge, settings }: Verdict,
  { T, D, weighted, scale = 1 / T }: JudgedCase,
  { h, table, targets }: { h: Float64Array; table: Float64Array; targets: Uint32Array },
  candidatesOf: (t: number, positive: number) => Uint32Array,
  {
    logQ = 'none',
    logDrawsOf,
    k,
  }: { logQ?: LogQ; logDrawsOf?: ((t: number, id: number) => number) | undefined; k?: number } = {},
): Float64Array {
  const { positives, weights } = weighted ? unpackWeights(targets) : { positives: targets };
  const score = (t: number, id: number) => {
    let sum = 0;
    for (let d = 0; d < D; d++) sum += h[t * D + d] * table[id * D + d];
    return sum;
  };
  let loss = 0;
  for (let t = 0; t < T; t++) {
    const target = positives[t];
    const candidates = candidatesOf(t, target);
    if (candidates.length === 0 && ['positive', 'softmax'].includes(judge.needs)) continue; // no pair
    const corrected = (id: number, positive: boolean) => {
      const s = score(t, id);
      return logQ === 'none' ? s : s + correctionOf(logQ, positive, id === target, logDrawsOf?.(t, id) ?? NaN);
    };
    const scores = new Float64Array(candidates.length);
    for (let j = 0; j < scores.length; j++) scores[j] = corrected(candidates[j], false);
    const draws = judge.weighsDraws && logDrawsOf ? Math.exp(logDrawsOf(t, target)) : 0;
    const divided = judge.divisor(candidates.length) / judge.divisor(k ?? candidates.length);
    loss += divided * (weights?.[t] ?? 1) * judge.reference(corrected(target, true), scores, settings, draws);
  }
  return Float64Array.of(scale * loss);
}
