import type { Capabilities } from '../engine/gpu.js';
import { wgsl } from '../engine/wgsl.js';

/**
 * A team is the group of lanes that works on one row: a subgroup where the adapter has subgroups of one size, else a workgroup
 * that reduces through workgroup memory. Row kernels are written once against `team_sum`.
 */
export interface Team {
  subgroups: boolean;
  lanes: number;
  /** Teams in a workgroup. */
  count: number;
}

const WORKGROUP = 64;

export function teamOf({ subgroupSize }: Capabilities): Team {
  if (subgroupSize === 0) return { subgroups: false, lanes: 32, count: 1 };
  return { subgroups: true, lanes: subgroupSize, count: Math.max(1, WORKGROUP / subgroupSize) };
}

/** Workgroups for `rows` rows, one a team. */
export function teamGroups(team: Team, rows: number): number {
  return Math.ceil(rows / team.count);
}

/**
 * WGSL, to stand first in the shader: `WORKGROUP_SIZE`, `LANES`, `team_of(workgroup, count, local)` = the number of this team,
 * `lane_of(local)`, `team_sum(f32, lane)`, `team_max(f32, lane)`. All lanes of a workgroup must call it: no early return before.
 */
export function teamWgsl({ subgroups, lanes, count }: Team): string {
  return wgsl`
#if ${subgroups}
enable subgroups;
#endif
const LANES = ${lanes}u;
const TEAMS = ${count}u;
const WORKGROUP_SIZE = ${lanes * count}u;

fn team_of(workgroup: vec3u, workgroups: vec3u, local: u32) -> u32 {
  return (workgroup.x + workgroup.y * workgroups.x) * TEAMS + local / LANES;
}
fn lane_of(local: u32) -> u32 { return local % LANES; }

#if ${subgroups}
fn team_sum(value: f32, lane: u32) -> f32 { return subgroupAdd(value); }
fn team_max(value: f32, lane: u32) -> f32 { return subgroupMax(value); }
#else
var<workgroup> team_scratch: array<f32, ${lanes}>;
${['sum', 'max']
  .map(
    (name) => `
fn team_${name}(value: f32, lane: u32) -> f32 {
  team_scratch[lane] = value;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (lane < half) { team_scratch[lane] = ${name === 'sum' ? 'team_scratch[lane] + team_scratch[lane + half]' : 'max(team_scratch[lane], team_scratch[lane + half])'}; }
    workgroupBarrier();
  }
  let total = team_scratch[0];
  workgroupBarrier();
  return total;
}`,
  )
  .join('')}
#endif
`;
}
