/**
 * r = sigmoid(i_r + u_r), z = sigmoid(i_z + u_z), n = tanh(i_n + r u_n), h_t = (1 - z) n + z h_{t-1} with u = weight h_{t-1} + bias: Cho et al., "Learning phrase
 * representations using RNN encoder-decoder", EMNLP 2014, in the form of cuDNN and PyTorch, where r multiplies the product.
 */
export function gruReference(
  inputs: Float64Array,
  weight: Float64Array,
  bias: Float64Array,
  spans: Uint32Array,
  D: number,
): Float64Array {
  const T = spans.length / 2;
  const y = new Float64Array(T * D);
  const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
  for (let t = 0; t < T; t++) {
    const before = t === spans[2 * t] ? new Float64Array(D) : y.subarray((t - 1) * D, t * D);
    const u = (row: number) => before.reduce((sum, value, d) => sum + weight[row * D + d] * value, bias[row]);
    const i = (row: number) => inputs[t * 3 * D + row];
    for (let d = 0; d < D; d++) {
      const r = sigmoid(i(d) + u(d));
      const z = sigmoid(i(D + d) + u(D + d));
      const n = Math.tanh(i(2 * D + d) + r * u(2 * D + d));
      y[t * D + d] = (1 - z) * n + z * before[d];
    }
  }
  return y;
}
