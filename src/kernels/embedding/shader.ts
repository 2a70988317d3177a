import { PHILOX_WGSL } from '../../base/philox.js';
import { program } from '../../engine/program.js';
import { DROPOUT_PARAMS, DROPOUT_WGSL } from '../../engine/random.js';
import { type TableLayout, tableWgsl } from '../../engine/table.js';
import { mainWgsl, wgsl } from '../../engine/wgsl.js';
import { cellsOf } from '../cells.js';

export const WORKGROUP = 64;

/** One invocation per four columns of a token, because one Philox call decides on four. */
function head(D: number, dropped: boolean): string {
  return wgsl`
#if ${dropped}
${PHILOX_WGSL}
${DROPOUT_WGSL}
#endif
const D = ${D}u;
const QUADS = ${Math.ceil(D / 4)}u;
struct Params { T: u32, S: u32, ${dropped ? DROPOUT_PARAMS : ''} }
@group(0) @binding(0) var<uniform> params: Params;
`;
}

const MAIN = /* wgsl */ `${mainWgsl(WORKGROUP)}
  let i = number * ${WORKGROUP}u + local;
  let t = i / QUADS;
  let quad = i % QUADS;
  if (t >= params.T) { return; }`;

/** Reads two rows and writes one. Bound by those and, with dropout, by Philox. */
export const forward = program(
  'embedding.forward',
  ({ D, items, dropped }: { D: number; items: TableLayout; dropped: boolean }) => wgsl`${head(D, dropped)}
alias Cell = ${cellsOf(D).type};
${tableWgsl('items', 1, { cell: cellsOf(D).type, cells: String(cellsOf(D).count), layout: items })}@group(0) @binding(2) var<storage, read> positions: array<${cellsOf(D).type}>; // [S, D]
@group(0) @binding(3) var<storage, read> ids: array<u32>; // [T]
@group(0) @binding(4) var<storage, read> spans: array<u32>; // [T, 2]
@group(0) @binding(5) var<storage, read_write> x: array<${cellsOf(D).type}>; // [T, D]
@group(0) @binding(6) var<storage, read_write> places: array<u32>; // [T]: the row of \`positions\`
${MAIN}
  let place = params.S - (spans[2u * t + 1u] - t);
  if (quad == 0u) { places[t] = place; }
#if ${dropped}
  let factor = dropout4(t, quad);
#else
  let factor = vec4f(1.0);
#endif
#if ${D % 4 === 0}
  x[i] = factor * (items_cell(ids[t] * QUADS + quad) + positions[place * QUADS + quad]);
#else
  for (var d = 4u * quad; d < min(4u * quad + 4u, D); d++) {
    x[t * D + d] = factor[d % 4u] * (items_cell(ids[t] * D + d) + positions[place * D + d]);
  }
#endif
}
`,
);

/** dsum = dx times the forward's dropout factors: the gradient of item row + position row. */
export const backwardDropout = program(
  'embedding.backward_dropout',
  ({ D }: { D: number }) => wgsl`${head(D, true)}
@group(0) @binding(1) var<storage, read> dx: array<${cellsOf(D).type}>; // [T, D]
@group(0) @binding(2) var<storage, read_write> dsum: array<${cellsOf(D).type}>; // [T, D]
${MAIN}
  let factor = dropout4(t, quad);
#if ${D % 4 === 0}
  dsum[i] = factor * dx[i];
#else
  for (var d = 4u * quad; d < min(4u * quad + 4u, D); d++) { dsum[t * D + d] = factor[d % 4u] * dx[t * D + d]; }
#endif
}
`,
);
