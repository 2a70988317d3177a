import type { Verdict } from '../judge.js';

/**
 * The sum over tokens of scale times weight times the judge's loss of the token's positive and candidates, s = h[t] . table[id].
 * @param h [T, D]
 * @param table [R, D]
 * @param targets [T]
 * @param candidates [T, k]
 * @param weights [T], 1 if left out
 * @param scale 1 / T if left out
 */
export function ownReference(
  { judge, settings }: Verdict,
  h: Float64Array,
  table: Float64Array,
  targets: Uint32Array,
  candidates: Uint32Array,
  { D, weights, scale = 1 / targets.length }: { D: number; weights?: Float64Array; scale?: number },
): Float64Array {
  const T = targets.length;
  const k = candidates.length / T;
  const score = (t: number, id: number) => {
    let sum = 0;
    for (let d = 0; d < D; d++) sum += h[t * D + d] * table[id * D + d];
    return sum;
  };
  let loss = 0;
  for (let t = 0; t < T; t++) {
    const scores = Float64Array.from({ length: k }, (_, j) => score(t, candidates[t * k + j]));
    loss += (weights?.[t] ?? 1) * judge.reference(score(t, targets[t]), scores, settings);
  }
  return Float64Array.of(scale * loss);
}

/** What `packWeights` has packed. */
export function unpackWeights(packed: Uint32Array): { positives: Uint32Array; weights: Float64Array } {
  const bits = packed.filter((_, i) => i % 2 === 1);
  return {
    positives: packed.filter((_, i) => i % 2 === 0),
    weights: Float64Array.from(new Float32Array(bits.buffer, bits.byteOffset, bits.length)),
  };
}
