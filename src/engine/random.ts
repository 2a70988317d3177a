import { philox4x32 } from '../base/philox.js';

/**
 * The state of all randomness on the GPU. A draw is a function of (seed, step, site, index) and of nothing else. The index counts tokens of the
 * whole batch, so a batch that is processed in parts draws what it would draw in one piece.
 */
export interface RandomState {
  readonly seed: number;
  readonly step: number;
  /** Tokens of the whole batch before the current part; 0 if left out. */
  readonly first?: number;
  /** Tokens of the whole batch; those of the part if left out. */
  readonly tokens?: number;
}

/** Where and how often activations are dropped. `site` distinguishes the dropouts of one step; 0 belongs to the negatives. */
export interface Dropout {
  rate: number;
  site: number;
}

/** Fields of `struct Params` that `DROPOUT_WGSL` reads; `dropoutUniforms` gives their values. */
export const DROPOUT_PARAMS = 'seed: u32, step: u32, first: u32, site: u32, threshold: u32, keep_scale: f32,';

export function dropoutUniforms({ seed, step, first = 0 }: RandomState, { rate, site }: Dropout) {
  return { seed, step, first, site, threshold: thresholdOf(rate), keep_scale: 1 / (1 - rate) };
}

/**
 * WGSL: `dropout4(high, low) -> vec4f`, the factors (0 or 1/(1-rate)) of the four elements 4 low … 4 low + 3 of row `high` of a
 * site's own numbering, which starts at the part's first token. Needs `PHILOX_WGSL` and, in the uniform `params`, `DROPOUT_PARAMS`.
 */
export const DROPOUT_WGSL = /* wgsl */ `
fn dropout4(high: u32, low: u32) -> vec4f {
  let words = philox(vec4u(low, params.first + high, params.site, 0u), vec2u(params.seed, params.step));
  return select(vec4f(0.0), vec4f(params.keep_scale), words >= vec4u(params.threshold));
}
`;

/** The factor (0 or 1/(1-rate)) of element `column` of row `row`, as `dropout4(row, column / 4)[column % 4]` gives it. */
export function dropoutFactor(
  { seed, step, first = 0 }: RandomState,
  dropout: Dropout,
  row: number,
  column: number,
): number {
  const words = philox4x32([column >>> 2, first + row, dropout.site, 0], [seed, step]);
  return words[column & 3] >= thresholdOf(dropout.rate) ? Math.fround(1 / (1 - dropout.rate)) : 0;
}

function thresholdOf(rate: number): number {
  return Math.min(2 ** 32 - 1, Math.round(rate * 2 ** 32));
}
