import { type Dropout, dropoutUniforms } from '../../engine/random.js';
import type { Table } from '../../engine/table.js';
import type { Tape } from '../../engine/tape.js';
import { checkShapes, type Tensor } from '../../engine/tensor.js';
import { contributeScatter } from '../scatter_add/index.js';
import { backwardDropout, forward, WORKGROUP } from './shader.js';

/**
 * The transformer's input: dropout(item row + position row). A sequence of n items in a window of S uses positions S-n … S-1.
 * @param items [R, D]
 * @param positions [S, D]; no sequence may be longer than S (not checked, the lengths are on the GPU)
 * @param ids [T] u32, each below R (not checked)
 * @param spans [T, 2] u32, for each token the half-open range of its sequence's tokens
 * @param options.dropout element (t, d) is number `dropout4(t, d / 4)[d % 4]` of its site
 * @returns [T, D]
 * @throws ShapeError when an axis disagrees
 */
export function embed(
  tape: Tape,
  items: Table,
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
  const workgroups = Math.ceil((T * Math.ceil(D / 4)) / WORKGROUP);
  const x = stream.empty([T, D]);
  const places = stream.empty([T], 'u32');
  const args = { ...items.bindings('items'), positions, ids, spans, x, places, T, S, ...random };
  stream.dispatch(forward({ D, items: items.layout, dropped: random !== undefined }), args, workgroups);
  tape.record({
    inputs: [...items.pages, positions],
    outputs: [x],
    saved: [places],
    backward() {
      const dx = tape.gradient(x);
      const dsum = random ? stream.empty([T, D]) : dx;
      if (random) stream.dispatch(backwardDropout({ D }), { dx, dsum, T, S, ...random }, workgroups);
      contributeScatter(tape, items.whole('embedding'), { ids, source: dsum });
      contributeScatter(tape, positions, { ids: places, source: dsum });
      if (random) stream.release(dsum);
    },
  });
  return x;
}
