import type { Capabilities } from '../engine/gpu.js';
import { mainWgsl, wgsl } from '../engine/wgsl.js';

/**
 * A team is the lanes that work on one row: a subgroup where the adapter has subgroups of one size, else a workgroup
 * that reduces through workgroup memory. Row kernels are written once against `team_sum`.
 */
export interface Team {
  subgroups: boolean;
  lanes: number;
  /** Teams in a workgroup. */
  teams: number;
}

const WORKGROUP = 64;

export function teamOf({ subgroupSize }: Capabilities): Team {
  if (subgroupSize === 0) return { subgroups: false, lanes: 32, teams: 1 };
  return { subgroups: true, lanes: subgroupSize, teams: Math.max(1, WORKGROUP / subgroupSize) };
}

/** Workgroups for `rows` rows, one a team. */
export function teamWorkgroups(team: Team, rows: number): number {
  return Math.ceil(rows / team.teams);
}

/**
 * WGSL: opens `main`, in which `team` is the number of this team, counted over all workgroups, and `lane` the invocation's number in it.
 * Needs `teamWgsl`.
 */
export const TEAM_MAIN = /* wgsl */ `${mainWgsl('WORKGROUP_SIZE')}
  let team = number * TEAMS + local / LANES;
  let lane = local % LANES;`;

/**
 * WGSL, to stand first in the shader: `WORKGROUP_SIZE`, `LANES`, `TEAMS`, and `team_sum(f32, lane)` and `team_max(f32, lane)`, the same
 * number for every lane. All lanes of a workgroup must call them: no early return before.
 */
export function teamWgsl({ subgroups, lanes, teams }: Team): string {
  return wgsl`
#if ${subgroups}
enable subgroups;
#endif
const LANES = ${lanes}u;
const TEAMS = ${teams}u;
const WORKGROUP_SIZE = ${lanes * teams}u;

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
