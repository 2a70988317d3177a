import { program } from '../../engine/program.js';
import { mainWgsl, wgsl } from '../../engine/wgsl.js';
import { cellsOf, cellWgsl } from '../cells.js';

export const WORKGROUP = 64;

/** The widest state whose gradients fit 16 KiB of workgroup memory, four floats a unit. */
export const MOST_UNITS = 1024;

const SIGMOID = 'fn sigmoid(x: f32) -> f32 { let e = exp(-abs(x)); return select(e, 1.0, x >= 0.0) / (1.0 + e); }';

/** The state's loop over its sequence; `number` is a token, and workgroups whose token begins no sequence are done. */
const MAIN = `${mainWgsl(WORKGROUP)}
  if (number >= params.T) { return; }
  let span = spans[number];
  if (span.x != number) { return; }
  let end = min(span.y, params.T);`;

/**
 * One workgroup per sequence, step by step; the state is in workgroup memory. A lane has every WORKGROUP-th row of the weights, then cells of the state, which it
 * writes whole: lanes that wrote components of one vector could overwrite each other. Bound by the loads of the recurrent weights, 3 D² a token, which caches must
 * serve, and by two barriers a step. Loops end at uniforms, so that compilers do not unroll them.
 */
export const forward = program('gru.forward', ({ D }: { D: number }) => {
  const { type, size } = cellsOf(D);
  const part = size === 4 ? '[part]' : '';
  return wgsl`${cellWgsl(D)}
const D = ${D}u;
struct Params { T: u32, units: u32, cells: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> spans: array<vec2<u32>>; // [T, 2]
@group(0) @binding(2) var<storage, read> inputs: array<f32>; // [T, 3 D]
@group(0) @binding(3) var<storage, read> weight: array<${type}>; // [3 D, D]
@group(0) @binding(4) var<storage, read> bias: array<f32>; // [3 D]
@group(0) @binding(5) var<storage, read_write> y: array<f32>; // [T, D]
@group(0) @binding(6) var<storage, read_write> gates: array<vec4<f32>>; // [T, D]: r, z, n, and what r multiplies
var<workgroup> state: array<Cell, CELLS>;
var<workgroup> products: array<f32, ${3 * D}>;
${SIGMOID}
${MAIN}
  for (var c = local; c < params.cells; c += ${WORKGROUP}u) { state[c] = Cell(); }
  workgroupBarrier();
  for (var t = number; t < end; t++) {
    for (var row = local; row < 3u * params.units; row += ${WORKGROUP}u) {
      var sum = Cell();
      for (var c = 0u; c < params.cells; c++) { sum += weight[row * CELLS + c] * state[c]; }
      products[row] = total(sum) + bias[row];
    }
    workgroupBarrier();
    for (var c = local; c < params.cells; c += ${WORKGROUP}u) {
      var cell = state[c];
      for (var part = 0u; part < ${size}u; part++) {
        let j = c * ${size}u + part;
        let at = t * 3u * D + j;
        let r = sigmoid(inputs[at] + products[j]);
        let z = sigmoid(inputs[at + D] + products[D + j]);
        let inner = products[2u * D + j];
        let n = 2.0 * sigmoid(2.0 * (inputs[at + 2u * D] + r * inner)) - 1.0; // tanh
        let next = (1.0 - z) * n + z * cell${part};
        gates[t * D + j] = vec4f(r, z, n, inner);
        y[t * D + j] = next;
        cell${part} = next;
      }
      state[c] = cell;
    }
    workgroupBarrier();
  }
}
`;
});

/**
 * Back through time, one workgroup per sequence: gradients of the gates before their activations, from the input's side and from the state's, and the state
 * before each token, with which a product makes the gradient of the weights. Bound as the forward; a lane has cells of the state, so that it loads
 * neighbouring weights.
 */
export const backward = program('gru.backward', ({ D }: { D: number }) => {
  const { type, size } = cellsOf(D);
  const part = size === 4 ? '[part]' : '';
  return wgsl`${cellWgsl(D)}
const D = ${D}u;
struct Params { T: u32, units: u32, cells: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> spans: array<vec2<u32>>; // [T, 2]
@group(0) @binding(2) var<storage, read> weight: array<${type}>; // [3 D, D]
@group(0) @binding(3) var<storage, read> gates: array<vec4<f32>>; // [T, D]
@group(0) @binding(4) var<storage, read> y: array<f32>; // [T, D]
@group(0) @binding(5) var<storage, read> dy: array<f32>; // [T, D]
@group(0) @binding(6) var<storage, read_write> dinputs: array<f32>; // [T, 3 D]
@group(0) @binding(7) var<storage, read_write> drecurrent: array<f32>; // [T, 3 D]
@group(0) @binding(8) var<storage, read_write> before: array<f32>; // [T, D]
var<workgroup> dgates: array<f32, ${3 * D}>;
var<workgroup> carry: array<Cell, CELLS>; // dL/d(the state before), each cell its lane's
${MAIN}
  for (var c = local; c < params.cells; c += ${WORKGROUP}u) { carry[c] = Cell(); }
  for (var t = end; t > number; ) {
    t--;
    for (var c = local; c < params.cells; c += ${WORKGROUP}u) {
      for (var part = 0u; part < ${size}u; part++) {
        let j = c * ${size}u + part;
        let gate = gates[t * D + j];
        let previous = select(0.0, y[max(t, 1u) * D - D + j], t > number);
        let dh = dy[t * D + j] + carry[c]${part};
        let dn = dh * (1.0 - gate.y) * (1.0 - gate.z * gate.z);
        let dz = dh * (previous - gate.z) * gate.y * (1.0 - gate.y);
        let dr = dn * gate.w * gate.x * (1.0 - gate.x);
        let at = t * 3u * D + j;
        dinputs[at] = dr;
        dinputs[at + D] = dz;
        dinputs[at + 2u * D] = dn;
        drecurrent[at] = dr;
        drecurrent[at + D] = dz;
        drecurrent[at + 2u * D] = dn * gate.x;
        dgates[j] = dr;
        dgates[D + j] = dz;
        dgates[2u * D + j] = dn * gate.x;
        before[t * D + j] = previous;
        carry[c]${part} = dh * gate.y;
      }
    }
    workgroupBarrier();
    for (var c = local; c < params.cells; c += ${WORKGROUP}u) {
      var sum = carry[c];
      for (var row = 0u; row < 3u * params.units; row++) { sum += dgates[row] * weight[row * CELLS + c]; }
      carry[c] = sum;
    }
    workgroupBarrier();
  }
}
`;
});
