import { EPSILON } from './shader.js';

/** y = (x - mean) / sqrt(var + eps) * weight + bias over the last axis; Ba, Kiros, Hinton, "Layer normalization", 2016, eq. 4. */
export function layerNormReference(
  x: Float64Array,
  weight: Float64Array,
  bias: Float64Array,
  T: number,
  D: number,
): Float64Array {
  const y = new Float64Array(T * D);
  for (let t = 0; t < T; t++) {
    let mean = 0;
    for (let d = 0; d < D; d++) mean += x[t * D + d] / D;
    let variance = 0;
    for (let d = 0; d < D; d++) variance += (x[t * D + d] - mean) ** 2 / D;
    for (let d = 0; d < D; d++) {
      y[t * D + d] = ((x[t * D + d] - mean) / Math.sqrt(variance + EPSILON)) * weight[d] + bias[d];
    }
  }
  return y;
}
