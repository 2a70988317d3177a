import { program } from '../../engine/program.js';
import { wgsl } from '../../engine/wgsl.js';
import { cellsOf } from '../cells.js';

export const WORKGROUP = 64;

/**
 * One invocation a cell; neighbours read neighbouring cells of one row. Bound by its P D loads and stores. On lavapipe two thirds of
 * the roofline at P = 12800, D = 128, because an invocation moves only 32 bytes; the backward, which groups the pairs first, half.
 */
export const gatherRows = program(
  'gather',
  ({ D }: { D: number }) => wgsl`
const CELLS = ${cellsOf(D).count}u;
struct Params { P: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> table: array<${cellsOf(D).type}>; // [R, D]
@group(0) @binding(2) var<storage, read> ids: array<u32>; // [P]
@group(0) @binding(3) var<storage, read_write> rows: array<${cellsOf(D).type}>; // [P, D]
@compute @workgroup_size(${WORKGROUP})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let i = (workgroup.x + workgroup.y * workgroups.x) * ${WORKGROUP}u + local;
  let pair = i / CELLS;
  if (pair < params.P) { rows[i] = table[ids[pair] * CELLS + i % CELLS]; }
}
`,
);
