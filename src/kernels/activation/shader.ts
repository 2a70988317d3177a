import { PHILOX_WGSL } from '../../base/philox.js';
import { program } from '../../engine/program.js';
import { DROPOUT_PARAMS, DROPOUT_WGSL } from '../../engine/random.js';
import { mainWgsl, wgsl } from '../../engine/wgsl.js';
import { cellsOf } from '../cells.js';

/** WGSL over `alias Cell`: `act(x)` and its derivative `slope(x)`. `logistic` takes exp of -|x| alone, so that nothing overflows. */
const ACTIVATION_WGSL = {
  identity: /* wgsl */ `
fn act(x: Cell) -> Cell { return x; }
fn slope(x: Cell) -> Cell { return Cell(1.0); }
`,
  sigmoid: /* wgsl */ `
fn act(x: Cell) -> Cell { return logistic(x); }
fn slope(x: Cell) -> Cell { let s = logistic(x); return s * (1.0 - s); }
`,
  silu: /* wgsl */ `
fn act(x: Cell) -> Cell { return x * logistic(x); }
fn slope(x: Cell) -> Cell { let s = logistic(x); return s * (1.0 + x * (1.0 - s)); }
`,
  // x (1 + tanh(u)) / 2 = x logistic(2 u); beyond |x| = 20 it is x or 0 in f32, and x³ is kept from overflowing.
  gelu: /* wgsl */ `
const STEEP = 1.5957691216057308;
const CUBIC = 0.044715;
fn act(x: Cell) -> Cell { let c = clamp(x, Cell(-20.0), Cell(20.0)); return x * logistic(STEEP * (c + CUBIC * c * c * c)); }
fn slope(x: Cell) -> Cell {
  let c = clamp(x, Cell(-20.0), Cell(20.0));
  let s = logistic(STEEP * (c + CUBIC * c * c * c));
  return s + c * s * (1.0 - s) * STEEP * (1.0 + 3.0 * CUBIC * c * c);
}
`,
} as const;

/** The activations there are. */
export type ActivationName = keyof typeof ACTIVATION_WGSL;

export const WORKGROUP = 64;

interface Constants {
  name: ActivationName;
  D: number;
  /** There is a second operand. */
  times: boolean;
  dropout: boolean;
}

function head({ name, D, dropout }: Constants): string {
  const { type, count, size } = cellsOf(D);
  return wgsl`
#if ${dropout}
${PHILOX_WGSL}
#endif
alias Cell = ${type};
const CELLS = ${count}u;
struct Params {
  T: u32,
#if ${dropout}
  ${DROPOUT_PARAMS}
#endif
}
@group(0) @binding(0) var<uniform> params: Params;
fn logistic(x: Cell) -> Cell {
  let e = exp(-abs(x));
  return select(e, Cell(1.0), x >= Cell(0.0)) / (1.0 + e);
}
${ACTIVATION_WGSL[name]}
#if ${dropout}
${DROPOUT_WGSL}
#if ${size === 4}
fn kept(i: u32) -> Cell { return dropout4(i / CELLS, i % CELLS); }
#else
fn kept(i: u32) -> Cell { let column = i % CELLS; return dropout4(i / CELLS, column / 4u)[column & 3u]; }
#endif
#else
fn kept(i: u32) -> Cell { return Cell(1.0); }
#endif
`;
}

const MAIN = `${mainWgsl(WORKGROUP)}
  let i = number * ${WORKGROUP}u + local;
  if (i >= params.T * CELLS) { return; }`;

/** One lane per cell: bound by its loads and its store or, with dropout, by Philox. */
export const forward = program('activation.forward', (c: Constants & { residual: boolean }) => {
  const { type } = cellsOf(c.D);
  return wgsl`${head(c)}
@group(0) @binding(1) var<storage, read> x: array<${type}>; // [T, D]
@group(0) @binding(2) var<storage, read_write> y: array<${type}>; // [T, D]
#if ${c.times}
@group(0) @binding(3) var<storage, read> times: array<${type}>; // [T, D]
#endif
#if ${c.residual}
@group(0) @binding(4) var<storage, read> residual: array<${type}>; // [T, D]
#endif
${MAIN}
  var value = act(x[i]) * kept(i);
#if ${c.times}
  value *= times[i];
#endif
#if ${c.residual}
  value += residual[i];
#endif
  y[i] = value;
}
`;
});

/** Both gradients in one visit; the dropout's factors are drawn again. Bound as the forward. */
export const backward = program('activation.backward', (c: Constants) => {
  const { type } = cellsOf(c.D);
  return wgsl`${head(c)}
@group(0) @binding(1) var<storage, read> x: array<${type}>; // [T, D]
@group(0) @binding(2) var<storage, read> dy: array<${type}>; // [T, D]
@group(0) @binding(3) var<storage, read_write> dx: array<${type}>; // [T, D]
#if ${c.times}
@group(0) @binding(4) var<storage, read> times: array<${type}>; // [T, D]
@group(0) @binding(5) var<storage, read_write> dtimes: array<${type}>; // [T, D]
#endif
${MAIN}
  let g = dy[i] * kept(i);
#if ${c.times}
  dx[i] = g * times[i] * slope(x[i]);
  dtimes[i] = g * act(x[i]);
#else
  dx[i] = g * slope(x[i]);
#endif
}
`;
});
