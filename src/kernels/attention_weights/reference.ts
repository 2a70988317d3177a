/** weights[h, j] = softmax over the keys j of query i's sequence of q_i . k_j / sqrt(D / H), head by head. */
export function attentionWeightsReference(
  q: Float64Array,
  k: Float64Array,
  spans: Uint32Array,
  { T, D, heads }: { T: number; D: number; heads: number },
): Float64Array {
  const weights = new Float64Array(heads * T);
  const size = D / heads;
  for (let i = 0; i < spans.length / 2; i++) {
    const [start, end] = [spans[2 * i], spans[2 * i + 1]];
    for (let h = 0; h < heads; h++) {
      const row = weights.subarray(h * T + start, h * T + end);
      row.forEach((_, j) => {
        for (let c = h * size; c < (h + 1) * size; c++) row[j] += q[i * D + c] * k[(start + j) * D + c];
      });
      const largest = row.reduce((a, b) => Math.max(a, b), -Infinity);
      const exps = row.map((score) => Math.exp((score - largest) / Math.sqrt(size)));
      const total = exps.reduce((a, b) => a + b, 0);
      row.set(exps.map((value) => value / total));
    }
  }
  return weights;
}
