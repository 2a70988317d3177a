import { type Dropout, dropoutFactor, type RandomState } from '../../engine/random.js';

export interface AttentionReferenceInputs {
  q: Float64Array;
  k: Float64Array;
  v: Float64Array;
  spans: Uint32Array;
  residual?: Float64Array | undefined;
}

/**
 * Per head h of d = D / heads columns and per token t whose sequence starts at s:
 * y_t = sum over the j that t sees, s..t or all of its sequence, of m_tj softmax_j(q_t . k_j / sqrt(d)) v_j + residual_t, with m the dropout's factors.
 * Vaswani et al., "Attention is all you need", 2017, eq. 1, with the causal mask and the dropout on the weights as in PyTorch.
 */
export function attentionReference(
  { q, k, v, spans, residual }: AttentionReferenceInputs,
  { T, D, heads, bidirectional = false }: { T: number; D: number; heads: number; bidirectional?: boolean },
  random: RandomState,
  dropout?: Dropout,
): Float64Array {
  const y = residual?.slice() ?? new Float64Array(T * D);
  const size = D / heads;
  for (let h = 0; h < heads; h++) {
    for (let t = 0; t < T; t++) {
      const [start, end] = [spans[2 * t], bidirectional ? spans[2 * t + 1] : t + 1];
      const weights = new Float64Array(end - start);
      for (let j = start; j < end; j++) {
        let score = 0;
        for (let c = h * size; c < (h + 1) * size; c++) score += q[t * D + c] * k[j * D + c];
        weights[j - start] = score / Math.sqrt(size);
      }
      const largest = weights.reduce((a, b) => Math.max(a, b));
      let total = 0;
      for (let j = start; j < end; j++) total += weights[j - start] = Math.exp(weights[j - start] - largest);
      for (let j = start; j < end; j++) {
        const factor = dropout ? dropoutFactor(random, dropout, h * T + t, j - start) : 1;
        const weight = (factor * weights[j - start]) / total;
        for (let c = h * size; c < (h + 1) * size; c++) y[t * D + c] += weight * v[j * D + c];
      }
    }
  }
  return y;
}
