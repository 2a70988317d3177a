import { multiplyHigh, PHILOX_WGSL, philox4x32 } from '../../../base/philox.js';
import type { RandomState } from '../../../engine/random.js';
import type { Candidates, Sampler } from '../sampler.js';

/**
 * Uniform on 1 … N, independent of each other and of the positives, as gSASRec samples them (Petrov and Macdonald, RecSys 2023): a candidate may
 * repeat or equal the positive. Each is a word of Philox by Lemire's product, whose bias is below N / 2^32.
 */
export const uniform: Sampler = {
  name: 'uniform',
  params: 'items: u32, seed: u32, step: u32, first: u32,',
  wgsl: () => /* wgsl */ `${PHILOX_WGSL}
fn candidates4(t: u32, quad: u32) -> vec4u {
  let words = philox(vec4u(quad, params.first + t, 0u, 1u), vec2u(params.seed, params.step));
  return 1u + vec4u(
    multiply_high(words.x, params.items), multiply_high(words.y, params.items),
    multiply_high(words.z, params.items), multiply_high(words.w, params.items),
  );
}
`,
};

/** k uniform candidates for each token, a function of the stream's (seed, step), the token and the slot, so that any kernel can draw them again. */
export function uniformCandidates(k: number, numItems: number): Candidates {
  return {
    sampler: uniform,
    k,
    args: ({ seed, step, first = 0 }) => ({ items: numItems, seed, step, first }),
  };
}

/** The candidates [T, k] that the GPU draws under this random state. */
export function uniformIds(
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
