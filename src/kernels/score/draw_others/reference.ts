import { multiplyHigh, philox4x32 } from '../../../base/philox.js';
import type { RandomState } from '../../../engine/random.js';
import type { OtherItems } from './index.js';
import { ROUNDS } from './shader.js';

/**
 * What `drawOthers` draws, on the host.
 * @param own the items of each sequence, ascending and each once
 * @param keys of the sequences
 * @returns [G, W]
 */
export function drawOthersReference(
  { seed, step }: RandomState,
  { own, keys }: { own: readonly ArrayLike<number>[]; keys: ArrayLike<number> },
  { k, W, numItems, replaced }: OtherItems,
): Uint32Array {
  const ids = new Uint32Array(own.length * W);
  own.forEach((items, list) => {
    const mine = new Set(Array.from(items));
    const others = Array.from({ length: numItems }, (_, i) => i + 1).filter((id) => !mine.has(id));
    const words = (counter: number, site: number) => philox4x32([counter, keys[list], 0, site], [seed, step]);
    const roundKeys = Array.from({ length: ROUNDS / 4 }, (_, r) => [...words(r, 4)]).flat();
    const size = replaced ? (others.length > 0 ? k : 0) : Math.min(k, others.length);
    for (let slot = 0; slot < size; slot++) {
      const x = replaced
        ? multiplyHigh(words(slot >>> 2, 3)[slot & 3], others.length)
        : permuted(slot, others.length, roundKeys);
      ids[list * W + slot] = others[x];
    }
  });
  return ids;
}

/** The place of x under the permutation of 0 … size - 1 that the round keys make. */
function permuted(x: number, size: number, keys: readonly number[]): number {
  const a = Math.ceil(Math.sqrt(size));
  const b = Math.ceil(size / a);
  for (let at = x; ; ) {
    let [left, right] = [at % a, Math.floor(at / a)];
    for (let round = 0; round < keys.length; round += 2) {
      left = (left + multiplyHigh(mixed(right ^ keys[round]), a)) % a;
      right = (right + multiplyHigh(mixed(left ^ keys[round + 1]), b)) % b;
    }
    at = right * a + left;
    if (at < size) return at;
  }
}

/** A hash of 32 bits that is a permutation of them (Wellons, "Prospecting for hash functions", 2018: lowbias32). */
function mixed(value: number): number {
  let x = Math.imul(value ^ (value >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}
