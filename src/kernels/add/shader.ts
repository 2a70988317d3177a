import { program } from '../../engine/program.js';
import { mainWgsl, wgsl } from '../../engine/wgsl.js';
import type { Cell } from '../cells.js';

/** y += x, one lane per cell: bound by its two loads and one store. */
export const addInPlace = program(
  'add',
  ({ workgroup, cell }: { workgroup: number; cell: Cell['type'] }) => wgsl`
struct Params { count: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<${cell}>; // [count]
@group(0) @binding(2) var<storage, read_write> y: array<${cell}>; // [count]
${mainWgsl(workgroup)}
  let i = number * ${workgroup}u + local;
  if (i < params.count) { y[i] += x[i]; }
}
`,
);
