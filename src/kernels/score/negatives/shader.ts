import { PHILOX_WGSL } from '../../../base/philox.js';
import { program } from '../../../engine/program.js';
import { mainWgsl, wgsl } from '../../../engine/wgsl.js';
import { NEGATIVES_WGSL } from './draw.js';

export const WORKGROUP = 64;

/**
 * One invocation four slots of a token, what one Philox call gives. Bound by Philox: on lavapipe 4 ns an id at T = 12800, k = 256, a
 * fifth of what the stores alone would allow.
 */
export const draw = program(
  'negatives',
  () => wgsl`${PHILOX_WGSL}${NEGATIVES_WGSL}
struct Params { T: u32, k: u32, items: u32, seed: u32, step: u32, first: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> ids: array<u32>; // [T, k]
${mainWgsl(WORKGROUP)}
  let i = number * ${WORKGROUP}u + local;
  let quads = (params.k + 3u) / 4u;
  let t = i / quads;
  let slot = 4u * (i % quads);
  if (t >= params.T) { return; }
  let drawn = negatives4(params.first + t, slot / 4u, params.items, vec2u(params.seed, params.step));
  for (var j = 0u; j < min(4u, params.k - slot); j++) { ids[t * params.k + slot + j] = drawn[j]; }
}
`,
);
