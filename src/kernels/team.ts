import type { Capabilities } from '../engine/gpu.js';
import { enableSubgroups, mainWgsl, type Subgroups, wgsl } from '../engine/wgsl.js';

/** How a workgroup's invocations are dealt out: a team is the lanes that work on one row. */
export interface Teams {
  /** In a team. */
  readonly lanes: number;
  /** In a workgroup. */
  readonly teams: number;
}

/**
 * Teams whose lanes reduce what they have: a subgroup where kernels rely on subgroups, else a workgroup that reduces through workgroup memory.
 * Row kernels are written once against `team_sum`.
 */
export interface Team extends Teams, Subgroups {
  readonly subgroups: boolean;
}

const WORKGROUP = 64;
const LANES = 32; // without subgroups

/** Teams whose lanes do not communicate: as many as a workgroup holds. */
export function teamsOf({ subgroupSize }: Capabilities): Teams {
  const lanes = subgroupSize || LANES;
  return { lanes, teams: Math.max(1, WORKGROUP / lanes) };
}

export function teamOf(capabilities: Capabilities): Team {
  const subgroups = capabilities.subgroupSize > 0;
  const stated = capabilities.subgroupSizeStated;
  return subgroups ? { subgroups, stated, ...teamsOf(capabilities) } : { subgroups, stated, lanes: LANES, teams: 1 };
}

/** Workgroups for `rows` rows, one a team. */
export function teamWorkgroups({ teams }: Teams, rows: number): number {
  return Math.ceil(rows / teams);
}

/** WGSL after the head of `main`: the number of this team, counted over all workgroups. */
const TEAM = /* wgsl */ `
  let team = number * TEAMS + local / LANES;`;

/**
 * WGSL: opens `main` for lanes that exchange nothing. `team` is the number of this team, counted over all workgroups, and
 * `lane` the invocation's number in it. Needs `teamsWgsl`.
 */
export const TEAMS_MAIN = /* wgsl */ `${mainWgsl('WORKGROUP_SIZE')}${TEAM}
  let lane = local % LANES;`;

/** WGSL: the same for lanes that reduce together. Needs `teamWgsl`. */
export function teamMain(team: Team): string {
  return team.subgroups ? `${mainWgsl('WORKGROUP_SIZE', team)}${TEAM}` : TEAMS_MAIN;
}

/** WGSL: `LANES`, `TEAMS` and `WORKGROUP_SIZE`. */
export function teamsWgsl({ lanes, teams }: Teams): string {
  return `
const LANES = ${lanes}u;
const TEAMS = ${teams}u;
const WORKGROUP_SIZE = ${lanes * teams}u;
`;
}

const REDUCTIONS = { sum: (a: string, b: string) => `${a} + ${b}`, max: (a: string, b: string) => `max(${a}, ${b})` };

/**
 * WGSL, to stand first in the shader: `teamsWgsl`, and `team_sum(f32, lane)` and `team_max(f32, lane)`, the same number for every lane. All
 * lanes of a workgroup must call them: no early return before.
 */
export function teamWgsl(team: Team): string {
  const { subgroups } = team;
  const reductions = Object.entries(REDUCTIONS).map(
    ([name, reduce]) => `
fn team_${name}(value: f32, lane: u32) -> f32 {
  team_scratch[lane] = value;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (lane < half) { team_scratch[lane] = ${reduce('team_scratch[lane]', 'team_scratch[lane + half]')}; }
    workgroupBarrier();
  }
  let total = team_scratch[0];
  workgroupBarrier();
  return total;
}`,
  );
  return wgsl`
#if ${subgroups}
${enableSubgroups(team)}
#endif
${teamsWgsl(team)}
#if ${subgroups}
fn team_sum(value: f32, lane: u32) -> f32 { return subgroupAdd(value); }
fn team_max(value: f32, lane: u32) -> f32 { return subgroupMax(value); }
#else
var<workgroup> team_scratch: array<f32, LANES>;
${reductions.join('')}
#endif
`;
}
