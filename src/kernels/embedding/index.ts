import type { Op } from '../../engine/kernel.js';
import { type Dropout, dropoutUniforms } from '../../engine/random.js';
import type { Tape } from '../../engine/tape.js';
import { checkShapes, type Tensor } from '../../engine/tensor.js';
import { integers, normals, spansOf } from '../inputs.js';
import { contributeScatter } from '../scatter_add/index.js';
import { embedReference } from './reference.js';
import { backwardDropout, forward, WORKGROUP } from './shader.js';

/**
 * What enters the transformer: dropout(item row + position row). A sequence of n items in a window of S uses positions S-n … S-1.
 * @param items [N + 2, D]
 * @param positions [S, D]; no sequence may be longer than S (not checked, the lengths are on the GPU)
 * @param ids [T] u32, each below N + 2 (not checked)
 * @param spans [T, 2] u32, for each token the half-open range of its sequence's tokens
 * @param options.dropout element (t, d) is number `dropout4(t, d / 4)[d % 4]` of its site
 * @returns [T, D]
 * @throws ShapeError when an axis disagrees
 */
export function embed(
  tape: Tape,
  items: Tensor,
  positions: Tensor,
  ids: Tensor,
  spans: Tensor,
  { dropout }: { dropout?: Dropout | undefined } = {},
): Tensor {
  const { T, D, S } = checkShapes('embedding', {
    items: [items, 'R', 'D'],
    positions: [positions, 'S', 'D'],
    ids: [ids, 'T'],
    spans: [spans, 'T', 2],
  });
  const { stream } = tape;
  const random = dropout ? dropoutUniforms(stream.random, dropout) : undefined;
  const groups = Math.ceil((T * Math.ceil(D / 4)) / WORKGROUP);
  const x = stream.empty([T, D]);
  const places = stream.empty([T], 'u32');
  const args = { items, positions, ids, spans, x, places, T, S, ...random };
  stream.dispatch(forward({ D, dropped: random !== undefined }), args, groups);
  tape.record({
    inputs: [items, positions],
    outputs: [x],
    saved: [places],
    backward() {
      const dx = tape.gradient(x);
      const dsum = random ? stream.empty([T, D]) : dx;
      if (random) stream.dispatch(backwardDropout({ D }), { dx, dsum, T, S, ...random }, groups);
      contributeScatter(tape, items, { ids, source: dsum });
      contributeScatter(tape, positions, { ids: places, source: dsum });
      if (random) stream.release(dsum);
    },
  });
  return x;
}

/** Sequences of the given lengths over N items in a window of S. */
interface Case {
  lengths: readonly number[];
  N: number;
  S: number;
  D: number;
  dropout?: Dropout;
}

export const embeddingOp: Op<Case> = {
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
    x: embed(tape, items!, positions!, ids!, spans!, { dropout }),
  }),
  reference: ({ D, dropout }, { items, positions, ids, spans }) => ({
    x: embedReference(
      items as Float64Array,
      positions as Float64Array,
      ids as Uint32Array,
      spans as Uint32Array,
      D,
      dropout,
    ),
  }),
  forward: ({ lengths, D }) => ({ bytes: 12 * tokens(lengths) * D, flops: 2 * tokens(lengths) * D }),
  backward: ({ lengths, N, S, D, dropout }) => ({
    bytes: 4 * D * ((dropout ? 4 : 2) * tokens(lengths) + N + S),
    flops: 3 * tokens(lengths) * D,
  }),
};

function tokens(lengths: readonly number[]): number {
  return lengths.reduce((sum, length) => sum + length, 0);
}
