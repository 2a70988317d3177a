import { multiplyHigh, PHILOX_WGSL, philox4x32 } from '../../../base/philox.js';
import type { DrawingSampler } from '../sampler.js';

/**
 * Uniform on 1 … N, independent of each other and of the positives, as gSASRec samples them (Petrov and Macdonald, RecSys 2023): a candidate may
 * repeat or equal the positive. Each is a word of Philox by Lemire's product, whose bias is below N / 2^32.
 */
export const uniform = {
  name: 'uniform',
  help: 'every item equally likely, with replacement',
  formula: 'ids[t, j] = 1 + floor(N u / 2^32), u word j mod 4 of Philox((floor(j / 4), t, 0, 1), (seed, step))',
  options: {},
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
  corrections: { standard: true, corrected: true },
  logQ: 'fn log_q_of(t: u32, id: u32) -> f32 { return -log(f32(params.items)); }\n',
  logQOf: (_t, _id, numItems) => -Math.log(numItems),
  args: ({ seed, step, first = 0 }, numItems) => ({ items: numItems, seed, step, first }),
  reference({ seed, step, first = 0 }, { T, k, numItems }) {
    const ids = new Uint32Array(T * k);
    for (let t = 0; t < T; t++) {
      for (let slot = 0; slot < k; slot += 4) {
        philox4x32([slot / 4, first + t, 0, 1], [seed, step]).forEach((word, i) => {
          if (slot + i < k) ids[t * k + slot + i] = 1 + multiplyHigh(word, numItems);
        });
      }
    }
    return ids;
  },
} satisfies DrawingSampler;
