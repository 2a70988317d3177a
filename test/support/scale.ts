import { parseProgram } from '../../src/engine/program.js';

/** The smallest program that has every kind of argument: y[at] = factor * x[at]. */
export const SCALE = parseProgram(
  'scale',
  `struct Params { at: u32, factor: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>; // [n]
@group(0) @binding(2) var<storage, read_write> y: array<f32>; // [n]
@compute @workgroup_size(1)
fn main() { y[params.at] = params.factor * x[params.at]; }`,
);
