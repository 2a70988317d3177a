import type { Dropout } from '../../engine/random.js';
import { tableOf } from '../../engine/table.js';
import { integers, normals, spansOf } from '../inputs.js';
import { defineOp } from '../op.js';
import { embed } from './index.js';
import { embedReference } from './reference.js';

/** Sequences of the given lengths over N items in a window of S. */
interface Case {
  lengths: readonly number[];
  N: number;
  S: number;
  D: number;
  dropout?: Dropout;
}

export const embeddingOp = defineOp<Case>()({
  name: 'embedding',
  formula: 'x[t] = dropout(items[ids[t]] + positions[S - (end - t)])',
  cases: [
    { lengths: [1], N: 1, S: 1, D: 1 },
    { lengths: [3, 1, 7], N: 5, S: 7, D: 7, dropout: { rate: 0.5, site: 1 } },
    { lengths: [13, 29, 2, 29], N: 101, S: 31, D: 24, dropout: { rate: 0.2, site: 5 } },
    { lengths: [5, 11], N: 3, S: 11, D: 130 },
  ],
  benchShapes: [
    { lengths: Array(32).fill(100), N: 3416, S: 200, D: 128, dropout: { rate: 0.5, site: 1 } },
    { lengths: Array(64).fill(45), N: 3416, S: 50, D: 64, dropout: { rate: 0.2, site: 1 } },
  ],
  inputs: ({ lengths, N, S, D }, random) => {
    const spans = spansOf(lengths);
    return {
      items: normals(random, [N + 2, D]),
      positions: normals(random, [S, D]),
      ids: integers(random, [spans.shape[0]], 1, N),
      spans,
    };
  },
  differentiable: ['items', 'positions'],
  run: (tape, { dropout }, { items, positions, ids, spans }) => ({
    x: embed(tape, tableOf(items), positions, ids, spans, { dropout }),
  }),
  reference: ({ D, dropout }, { items, positions, ids, spans }) => ({
    x: embedReference(items, positions, ids, spans, D, dropout),
  }),
  cost: {
    forward: ({ lengths, D }) => ({ bytes: 12 * tokens(lengths) * D, flops: 2 * tokens(lengths) * D }),
    backward: ({ lengths, N, S, D, dropout }) => ({
      bytes: 4 * D * ((dropout ? 4 : 2) * tokens(lengths) + N + S),
      flops: 3 * tokens(lengths) * D,
    }),
  },
});

function tokens(lengths: readonly number[]): number {
  return lengths.reduce((sum, length) => sum + length, 0);
}
