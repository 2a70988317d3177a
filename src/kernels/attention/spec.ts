import type { Dropout } from '../../engine/random.js';
import { normals, spansOf } from '../inputs.js';
import { CASE_RANDOM, type Cost, defineOp } from '../op.js';
import { attention } from './index.js';
import { attentionReference } from './reference.js';

interface AttentionCase {
  lengths: number[];
  D: number;
  heads: number;
  dropout?: number;
  residual?: boolean;
  bidirectional?: boolean;
}

const dropoutOf = ({ dropout }: AttentionCase): Dropout | undefined =>
  dropout === undefined ? undefined : { rate: dropout, site: 5 };

/** Pairs of a query and a key that it sees, and tokens. */
function counts({ lengths, bidirectional }: AttentionCase): { pairs: number; T: number } {
  return {
    pairs: lengths.reduce((sum, n) => sum + (bidirectional ? n * n : (n * (n + 1)) / 2), 0),
    T: lengths.reduce((sum, n) => sum + n, 0),
  };
}

/** Lengths up to `most`, like those of users with short and long histories. */
function ragged(rows: number, shortest: number, most: number): number[] {
  return Array.from({ length: rows }, (_, i) =>
    Math.round(shortest + ((most - shortest) * ((7 * i) % rows)) / (rows - 1)),
  );
}

export const attentionOp = defineOp<AttentionCase>()({
  name: 'attention',
  formula:
    'softmax(q k^T / sqrt(D / heads), within the sequence, causal or not) v + residual (Vaswani et al. 2017, eq. 1)',
  cases: [
    { lengths: [1], D: 1, heads: 1 },
    { lengths: [3, 1, 7], D: 15, heads: 3, dropout: 0.5, residual: true },
    { lengths: [2, 13, 1, 29], D: 8, heads: 1, dropout: 0.2 },
    { lengths: [33, 5, 64], D: 48, heads: 4, residual: true },
    { lengths: [131], D: 8, heads: 2 },
    { lengths: [5, 23], D: 36, heads: 1, dropout: 0.5, residual: true },
    { lengths: [9, 2], D: 33, heads: 1 },
    { lengths: [1, 37, 6, 18], D: 24, heads: 2, dropout: 0.3, bidirectional: true },
    { lengths: [3, 70], D: 7, heads: 1, residual: true, bidirectional: true },
  ],
  benchShapes: [
    { lengths: ragged(32, 5, 195), D: 128, heads: 1, dropout: 0.5, residual: true },
    { lengths: ragged(64, 40, 50), D: 64, heads: 1, dropout: 0.2, residual: true },
    { lengths: ragged(32, 5, 195), D: 128, heads: 1, dropout: 0.5, bidirectional: true },
  ],
  inputs: ({ lengths, D, residual }, random) => {
    const spans = spansOf(lengths);
    const T = spans.shape[0];
    const [q, k, v] = [normals(random, [T, D]), normals(random, [T, D]), normals(random, [T, D])];
    return { q, k, v, spans, ...(residual && { residual: normals(random, [T, D]) }) };
  },
  differentiable: ['q', 'k', 'v', 'residual'],
  run: (tape, shape, { q, k, v, spans, residual }) => ({
    y: attention(tape, q, k, v, spans, {
      ...{ heads: shape.heads, dropout: dropoutOf(shape), residual, bidirectional: shape.bidirectional },
    }),
  }),
  reference: (shape, { q, k, v, spans, residual }) => {
    const inputs = { q, k, v, spans, residual };
    return { y: attentionReference(inputs, { ...shape, ...counts(shape) }, CASE_RANDOM, dropoutOf(shape)) };
  },
  cost: {
    forward: (shape) => cost(shape, 4, 4),
    backward: (shape) => cost(shape, 14, 9),
  },
});

/** Bytes of `rows` tensors [T, D] read or written once, flops of `perPair` D for each pair. */
function cost(shape: AttentionCase, perPair: number, rows: number): Cost {
  const { pairs, T } = counts(shape);
  return { bytes: 4 * T * (rows * shape.D + 2 * shape.heads + 2), flops: perPair * shape.D * pairs };
}
