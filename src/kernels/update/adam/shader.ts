import { program } from '../../../engine/program.js';
import { wgsl } from '../../../engine/wgsl.js';

/** The uniforms of `ADAM_WGSL`, to stand in `struct Params`; their values are `adamUniforms`. */
export const ADAM_PARAMS =
  'one_minus_beta1: f32, beta2: f32, one_minus_beta2: f32, step_size: f32, root_correction: f32, eps: f32';

/**
 * WGSL: `adam_step(i, g)` moves element i of the bindings `param`, `m` and `v`, arrays of `Element`, by its gradient. PyTorch's order of
 * operations (torch/optim/adam.py): m by interpolation, eps outside the root.
 */
export const ADAM_WGSL = /* wgsl */ `
fn adam_step(i: u32, g: Element) {
  let first = m[i] + params.one_minus_beta1 * (g - m[i]);
  let second = params.beta2 * v[i] + params.one_minus_beta2 * (g * g);
  m[i] = first;
  v[i] = second;
  param[i] -= params.step_size * (first / (sqrt(second) / params.root_correction + Element(params.eps)));
}
`;

/**
 * One lane an element, or four neighbouring ones where the size allows. Bound by memory: 16 bytes in and 12 out for each element, and
 * nothing is worth sharing. 76 to 96 % of lavapipe's memory roof at [54544, 128], from run to run.
 */
export const adamStep = program(
  'adam',
  ({ workgroup, vector }: { workgroup: number; vector: boolean }) => wgsl`
#if ${vector}
alias Element = vec4<f32>;
#else
alias Element = f32;
#endif
struct Params { size: u32, ${ADAM_PARAMS} }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gradient: array<${vector ? 'vec4<f32>' : 'f32'}>; // [size]
@group(0) @binding(2) var<storage, read_write> param: array<${vector ? 'vec4<f32>' : 'f32'}>; // [size]
@group(0) @binding(3) var<storage, read_write> m: array<${vector ? 'vec4<f32>' : 'f32'}>; // [size]
@group(0) @binding(4) var<storage, read_write> v: array<${vector ? 'vec4<f32>' : 'f32'}>; // [size]
${ADAM_WGSL}
@compute @workgroup_size(${workgroup})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let i = (workgroup.x + workgroup.y * workgroups.x) * ${workgroup}u + local;
  if (i < params.size) { adam_step(i, gradient[i]); }
}
`,
);
