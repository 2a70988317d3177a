import { type Dropout, dropoutFactor } from '../../engine/random.js';
import { CASE_RANDOM } from '../op.js';

/** x[t] = dropout(items[ids[t]] + positions[S - (end of t's sequence - t)]); Kang and McAuley, ICDM 2018, section III-A. */
export function embedReference(
  items: Float64Array,
  positions: Float64Array,
  ids: Uint32Array,
  spans: Uint32Array,
  D: number,
  dropout?: Dropout,
): Float64Array {
  const S = positions.length / D;
  const x = new Float64Array(ids.length * D);
  ids.forEach((id, t) => {
    const place = S - (spans[2 * t + 1] - t);
    for (let d = 0; d < D; d++) {
      const factor = dropout ? dropoutFactor(CASE_RANDOM, dropout, t, d) : 1;
      x[t * D + d] = factor * (items[id * D + d] + positions[place * D + d]);
    }
  });
  return x;
}
