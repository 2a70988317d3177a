import { PHILOX_WGSL } from '../../base/philox.js';
import { program } from '../../engine/program.js';
import { DROPOUT_PARAMS, DROPOUT_WGSL } from '../../engine/random.js';
import { wgsl } from '../../engine/wgsl.js';

export interface MaskConstants {
  workgroup: number;
  /** Neighbouring columns of a lane: 4 or 1, a divisor of N. */
  columns: 4 | 1;
  relu: boolean;
  dropout: boolean;
}

/**
 * The gradient before ReLU and dropout. After a ReLU, y > 0 says what survived both, so no random number is drawn again;
 * without one the dropout's factors are. One lane `columns` elements: bound by two loads and a store, or by Philox. A pass of its own,
 * with which linear's backward at [3200, 128] x [128, 128] attains 23 % of lavapipe's roofline, without it 39 %.
 */
export const maskShader = program('linear.mask', ({ workgroup, columns, relu, dropout }: MaskConstants) => {
  const vector = columns === 4 ? 'vec4<f32>' : 'f32';
  const redraw = dropout && !relu;
  return wgsl`
#if ${redraw}
${PHILOX_WGSL}
#endif
struct Params {
  T: u32, N: u32,
#if ${dropout}
  ${DROPOUT_PARAMS}
#endif
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<${vector}>; // [T, N]
@group(0) @binding(2) var<storage, read_write> masked: array<${vector}>; // [T, N]
#if ${relu}
@group(0) @binding(3) var<storage, read> y: array<${vector}>; // [T, N]
#endif
#if ${redraw}
${DROPOUT_WGSL}
#endif

@compute @workgroup_size(${workgroup})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let width = params.N / ${columns}u;
  let i = (workgroup.x + workgroup.y * workgroups.x) * ${workgroup}u + local;
  if (i >= params.T * width) { return; }
  var value = dy[i];
#if ${relu}
  value = select(${vector}(), value, y[i] > ${vector}());
#if ${dropout}
  value *= params.keep_scale;
#endif
#else
  let row = i / width;
  let column = i % width;
#if ${columns === 4}
  value *= dropout4(row, column);
#else
  value *= dropout4(row, column / 4u)[column & 3u];
#endif
#endif
  masked[i] = value;
}
`;
});
