import type { Transposed } from './index.js';

/** out[m, n] = sum over k of op(a)[m, k] op(b)[k, n], op being the transpose if requested. */
export function matmulReference(
  a: Float64Array,
  b: Float64Array,
  M: number,
  N: number,
  K: number,
  { transposeA, transposeB }: Transposed = {},
): Float64Array {
  const out = new Float64Array(M * N);
  for (let m = 0; m < M; m++) {
    for (let n = 0; n < N; n++) {
      let sum = 0;
      for (let k = 0; k < K; k++) {
        sum += a[transposeA ? k * M + m : m * K + k] * b[transposeB ? n * K + k : k * N + n];
      }
      out[m * N + n] = sum;
    }
  }
  return out;
}
