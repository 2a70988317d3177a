import { program } from '../../../engine/program.js';
import { mainWgsl, wgsl } from '../../../engine/wgsl.js';
import { SAMPLERS } from '../samplers/index.js';

export const WORKGROUP = 64;

/** One invocation per four slots of a token, which is what one Philox call gives. Bound by Philox. */
export const draw = program(
  'score.draw',
  ({ sampler, shared }: { sampler: string; shared: boolean }) => wgsl`
struct Params { T: u32, k: u32, W: u32, ${SAMPLERS[sampler].params} }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> ids: array<u32>; // [T, W]
${SAMPLERS[sampler].wgsl(2)}
${mainWgsl(WORKGROUP)}
  let i = number * ${WORKGROUP}u + local;
  let quads = (params.W + 3u) / 4u;
  let t = i / quads;
  let slot = 4u * (i % quads);
  if (t >= params.T) { return; }
  let drawn = candidates4(${shared ? '0u' : 't'}, slot / 4u);
  for (var j = 0u; j < min(4u, params.W - slot); j++) {
    ids[t * params.W + slot + j] = select(0u, drawn[j], slot + j < params.k);
  }
}
`,
);
