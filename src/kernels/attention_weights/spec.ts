import { normals, spansOf } from '../inputs.js';
import { defineOp } from '../op.js';
import { attentionWeights } from './index.js';
import { attentionWeightsReference } from './reference.js';

interface Case {
  lengths: number[];
  D: number;
  heads: number;
}

const total = (lengths: readonly number[]) => lengths.reduce((sum, n) => sum + n, 0);

export const attentionWeightsOp = defineOp<Case>()({
  name: 'attention_weights',
  formula: 'softmax(q k^T / sqrt(D / heads)) of the last token of each sequence (Vaswani et al. 2017, eq. 1)',
  cases: [
    { lengths: [1], D: 1, heads: 1 },
    { lengths: [3, 1, 7], D: 15, heads: 3 },
    { lengths: [131, 2, 40], D: 8, heads: 2 },
  ],
  benchShapes: [{ lengths: Array(32).fill(100), D: 128, heads: 1 }],
  inputs: ({ lengths, D }, random) => {
    const all = spansOf(lengths).data;
    const last = lengths.map((_, i) => total(lengths.slice(0, i + 1)) - 1);
    return {
      q: normals(random, [lengths.length, D]),
      k: normals(random, [total(lengths), D]),
      spans: {
        shape: [lengths.length, 2],
        data: Uint32Array.from(last.flatMap((t) => [all[2 * t], all[2 * t + 1]])),
      },
    };
  },
  differentiable: [],
  run: ({ stream }, { heads }, { q, k, spans }) => ({ weights: attentionWeights(stream, q, k, spans, heads) }),
  reference: ({ lengths, D, heads }, { q, k, spans }) => ({
    weights: attentionWeightsReference(q, k, spans, {
      T: total(lengths),
      D,
      heads,
    }),
  }),
  cost: {
    forward: ({ lengths, D, heads }) => ({
      bytes: 4 * (total(lengths) * (D + 3 * heads) + lengths.length * D),
      flops: 2 * total(lengths) * D,
    }),
  },
});
