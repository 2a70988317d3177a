/** log(1 + e^x), for any x. */
export function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

/**
 * Mean over tokens of (beta softplus(-s+) + sum_j softplus(s_j)) / (k + 1), s = h[t] . table[id]: gBCE, that is BCE with the
 * positive's probability raised to beta (Petrov and Macdonald, "gSASRec", RecSys 2023), with s for logits.
 */
export function sampledGbceReference(
  h: Float64Array,
  table: Float64Array,
  targets: Uint32Array,
  negatives: Uint32Array,
  D: number,
  beta: number,
): Float64Array {
  const T = targets.length;
  const k = negatives.length / T;
  const score = (t: number, id: number) => {
    let sum = 0;
    for (let d = 0; d < D; d++) sum += h[t * D + d] * table[id * D + d];
    return sum;
  };
  let loss = 0;
  for (let t = 0; t < T; t++) {
    loss += beta * softplus(-score(t, targets[t]));
    for (let j = 0; j < k; j++) loss += softplus(score(t, negatives[t * k + j]));
  }
  return Float64Array.of(loss / (T * (k + 1)));
}
