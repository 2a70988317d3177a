import { multiplyHigh, philox4x32 } from '../../../base/philox.js';
import type { RandomState } from '../../../engine/random.js';

/**
 * WGSL: `negatives4(t, quad, items, key) -> vec4u`, the negatives of slots 4 quad … 4 quad + 3 of the whole batch's token t, each uniform on 1 … items
 * (Lemire's product, whose bias is below items / 2^32). Needs `PHILOX_WGSL`; `key` is (seed, step).
 */
export const NEGATIVES_WGSL = /* wgsl */ `
fn negatives4(t: u32, quad: u32, items: u32, key: vec2u) -> vec4u {
  let words = philox(vec4u(quad, t, 0u, 1u), key);
  return 1u + vec4u(
    multiply_high(words.x, items), multiply_high(words.y, items),
    multiply_high(words.z, items), multiply_high(words.w, items),
  );
}
`;

/** The uniforms of a draw: `key` is (seed, step), `t` counts from `first`. */
export function drawUniforms({ seed, step, first = 0 }: RandomState) {
  return { seed, step, first };
}

/** The negatives [T, k] that the GPU draws under this random state. */
export function negativesOf(
  { seed, step, first = 0 }: RandomState,
  T: number,
  k: number,
  numItems: number,
): Uint32Array {
  const ids = new Uint32Array(T * k);
  for (let t = 0; t < T; t++) {
    for (let slot = 0; slot < k; slot += 4) {
      philox4x32([slot / 4, first + t, 0, 1], [seed, step]).forEach((word, i) => {
        if (slot + i < k) ids[t * k + slot + i] = 1 + multiplyHigh(word, numItems);
      });
    }
  }
  return ids;
}
