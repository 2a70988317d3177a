import { PHILOX_WGSL } from '../../base/philox.js';
import { program } from '../../engine/program.js';
import { DROPOUT_PARAMS, DROPOUT_WGSL } from '../../engine/random.js';
import { mainWgsl, wgsl } from '../../engine/wgsl.js';
import type { Cell } from '../cells.js';

export interface MaskConstants {
  workgroup: number;
  /** Neighbouring columns, as many as divide N. */
  cell: Cell;
  relu: boolean;
  dropout: boolean;
}

/**
 * The gradient before ReLU and dropout. After a ReLU, y > 0 shows what survived both, so no random number is drawn again;
 * without one, the dropout's factors are drawn again. One lane per cell: bound by two loads and a store, or by Philox.
 */
export const maskShader = program(
  'linear.mask',
  ({ workgroup, cell: { size, type }, relu, dropout }: MaskConstants) => {
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
@group(0) @binding(1) var<storage, read> dy: array<${type}>; // [T, N]
@group(0) @binding(2) var<storage, read_write> masked: array<${type}>; // [T, N]
#if ${relu}
@group(0) @binding(3) var<storage, read> y: array<${type}>; // [T, N]
#endif
#if ${redraw}
${DROPOUT_WGSL}
#endif

${mainWgsl(workgroup)}
  let cells = params.N / ${size}u;
  let i = number * ${workgroup}u + local;
  if (i >= params.T * cells) { return; }
  var value = dy[i];
#if ${relu}
  value = select(${type}(), value, y[i] > ${type}());
#if ${dropout}
  value *= params.keep_scale;
#endif
#else
  let row = i / cells;
  let cell = i % cells;
#if ${size === 4}
  value *= dropout4(row, cell);
#else
  value *= dropout4(row, cell / 4u)[cell & 3u];
#endif
#endif
  masked[i] = value;
}
`;
  },
);
