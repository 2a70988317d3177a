import { program } from '../../src/engine/program.js';
import { mainWgsl, wgsl } from '../../src/engine/wgsl.js';

/** The three kernels that measure an adapter's roof. */

export const WORKGROUP = 256;
/** Columns of a gathered row, D = 128 as in the ML-1M model. */
export const ROW = 128;
/** Vectors that an invocation of `copyProbe` copies: lavapipe copies nearly twice as fast so, since starting one costs it as much as a copy. */
export const COPIES_EACH = 4;
/** Rows that an invocation of `gatherProbe` reads its four columns of. */
export const ROWS_EACH = 16;
/** Flops of an invocation of `fmaProbe` in one iteration: eight independent chains of four lanes, two each. */
export const FLOPS_EACH = 8 * 4 * 2;

const MAIN = /* wgsl */ `${mainWgsl(WORKGROUP)}
  let i = number * ${WORKGROUP}u + local;`;

/** y = x: n reads and n writes of 16 bytes, adjacent for a workgroup's invocations. */
export const copyProbe = program(
  'probe.copy',
  (_: Record<string, never>) => wgsl`
struct Params { n: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>; // [n]
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>; // [n]
${MAIN}
  for (var j = 0u; j < ${COPIES_EACH}u; j++) {
    let copied = (i - local) * ${COPIES_EACH}u + j * ${WORKGROUP}u + local;
    if (copied < params.n) { y[copied] = x[copied]; }
  }
}
`,
);

/** Sums rows of a table in random order, with adjacent invocations on adjacent columns of a row. */
export const gatherProbe = program(
  'probe.gather',
  (_: Record<string, never>) => wgsl`
const QUADS = ${ROW / 4}u;
struct Params { n: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> table: array<vec4<f32>>; // [R, ROW]
@group(0) @binding(2) var<storage, read> ids: array<u32>; // [n, ROWS_EACH]
@group(0) @binding(3) var<storage, read_write> sums: array<vec4<f32>>; // [n, ROW]
${MAIN}
  let row = i / QUADS;
  if (row < params.n) {
    var sum = vec4f(0.0);
    for (var j = 0u; j < ${ROWS_EACH}u; j++) { sum += table[ids[row * ${ROWS_EACH}u + j] * QUADS + i % QUADS]; }
    sums[i] = sum;
  }
}
`,
);

/** Fused multiply-adds on registers, nothing else: x -> a x + b in eight independent chains. */
export const fmaProbe = program(
  'probe.fma',
  (_: Record<string, never>) => wgsl`
struct Params { iterations: u32, a: f32, b: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>; // [invocations]
${MAIN}
  let a = vec4f(params.a);
  let b = vec4f(params.b);
  var x0 = vec4f(f32(local)); var x1 = x0 + 1.0; var x2 = x0 + 2.0; var x3 = x0 + 3.0;
  var x4 = x0 + 4.0; var x5 = x0 + 5.0; var x6 = x0 + 6.0; var x7 = x0 + 7.0;
  for (var j = 0u; j < params.iterations; j++) {
    x0 = fma(x0, a, b); x1 = fma(x1, a, b); x2 = fma(x2, a, b); x3 = fma(x3, a, b);
    x4 = fma(x4, a, b); x5 = fma(x5, a, b); x6 = fma(x6, a, b); x7 = fma(x7, a, b);
  }
  let sum = (x0 + x1) + (x2 + x3) + ((x4 + x5) + (x6 + x7));
  y[i] = sum.x + sum.y + sum.z + sum.w;
}
`,
);
