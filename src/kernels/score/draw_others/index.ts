import type { Stream } from '../../../engine/stream.js';
import { checkShapes, type Tensor } from '../../../engine/tensor.js';
import { drawOthersShader, WORKGROUP } from './shader.js';

export interface OtherItems {
  /** Items of a list. */
  k: number;
  /** Columns, a multiple of 4, of which the first k are used. */
  W: number;
  numItems: number;
  /** Whether an item may come twice. */
  replaced: boolean;
}

/**
 * A list of items for each sequence that are not in it, every such item equally likely, under the stream's random state. Without replacement, a list has as
 * many as there are, up to k. It is a function of (seed, step, key) and of the sequence's items.
 * @param own [P] the sequences' items one after the other, those of each ascending and each once
 * @param starts [G + 1] where in `own` those of each sequence begin
 * @param keys [G] what distinguishes the sequences of a step: the number of its first token in the whole batch
 * @returns [G, W] u32; 0 where there is no item
 * @throws ShapeError when an axis disagrees
 */
export function drawOthers(
  stream: Stream,
  { own, starts, keys }: { own: Tensor; starts: Tensor; keys: Tensor },
  { k, W, numItems, replaced }: OtherItems,
): Tensor {
  const { G } = checkShapes('draw_others', { own: [own, 'P'], keys: [keys, 'G'], starts: [starts, keys.shape[0] + 1] });
  const ids = stream.empty([G, W], 'u32');
  const { seed, step } = stream.random;
  const args = { own, starts, keys, ids, G, k, W, N: numItems, seed, step };
  stream.dispatch(drawOthersShader({ replaced }), args, Math.ceil((G * W) / 4 / WORKGROUP));
  return ids;
}
