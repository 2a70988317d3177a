/**
 * y = residual + dropout(relu(x W^T + bias)): Vaswani et al., "Attention is all you need", 2017, section 3.3 (ReLU) and 5.4 (dropout).
 * @param factor what dropout multiplies element (t, n) by; 1 everywhere without dropout
 */
export function linearReference(
  inputs: {
    x: Float64Array;
    weight: Float64Array;
    bias?: Float64Array | undefined;
    residual?: Float64Array | undefined;
  },
  { T, N, K, relu }: { T: number; N: number; K: number; relu?: boolean },
  factor: (t: number, n: number) => number,
): Float64Array {
  const { x, weight, bias, residual } = inputs;
  const y = new Float64Array(T * N);
  for (let t = 0; t < T; t++) {
    for (let n = 0; n < N; n++) {
      let sum = bias?.[n] ?? 0;
      for (let k = 0; k < K; k++) sum += x[t * K + k] * weight[n * K + k];
      if (relu) sum = Math.max(0, sum);
      y[t * N + n] = sum * factor(t, n) + (residual?.[t * N + n] ?? 0);
    }
  }
  return y;
}
