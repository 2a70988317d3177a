import { DROPOUT_WGSL } from '../../engine/dropout.js';
import { PHILOX_WGSL } from '../../engine/philox.js';
import { float, wgsl } from '../../engine/wgsl.js';
import { type Team, teamWgsl } from '../team.js';

/** What is baked into the attention kernels. */
export interface AttentionConstants {
  heads: number;
  headSize: number;
  dropout: boolean;
  /** One a workgroup, so that a loop over the keys of a tile has bounds that are uniform in the workgroup. */
  team: Team;
}

/** Units of a head's row: vec4s where the head size allows, else scalars. */
export function widthOf(headSize: number): number {
  return headSize % 4 === 0 ? headSize / 4 : headSize;
}

/** The type of a storage binding of rows, in the form in which `parseProgram` reads it. */
export function rowsOf(headSize: number): string {
  return headSize % 4 === 0 ? 'array<vec4<f32>>' : 'array<f32>';
}

/** WGSL: `Unit`, `product(a, b)`, and the sizes HEADS, WIDTH (units of a head's row), ROW (units of a token's row), SCALE. */
export function unitWgsl(heads: number, headSize: number): string {
  const width = widthOf(headSize);
  return wgsl`
#if ${headSize % 4 === 0}
alias Unit = vec4f;
fn product(a: vec4f, b: vec4f) -> f32 { return dot(a, b); }
#else
alias Unit = f32;
fn product(a: f32, b: f32) -> f32 { return a * b; }
#endif
const HEADS = ${heads}u;
const WIDTH = ${width}u;
const ROW = ${heads * width}u;
const SCALE = ${float(1 / Math.sqrt(headSize))};
`;
}

/**
 * WGSL that stands first in the tile kernels. A team takes a tile of LANES consecutive rows of one head, a row a lane in registers, and
 * visits the rows that they meet in blocks of four, numbered from multiples of four as the dropout's draws are.
 */
export function tileWgsl({ heads, headSize, dropout, team }: AttentionConstants): string {
  return wgsl`${teamWgsl(team)}${unitWgsl(heads, headSize)}
#if ${dropout}
${PHILOX_WGSL}${DROPOUT_WGSL}
#endif
`;
}

/**
 * Text for a block of four rows that all lanes of a team share. With subgroups each lane loads its share of the units and
 * `unit` broadcasts one from the lane that has it; without, every lane reads it from the buffer.
 */
export function block({ headSize, team }: AttentionConstants) {
  const width = widthOf(headSize);
  const slots = Math.ceil(width / team.lanes);
  const share = (name: string, b: number) => {
    const units = range(slots).map((slot) => `${name}[rows[${b}] + min(lane + ${slot * team.lanes}u, WIDTH - 1u)]`);
    return `let ${name}${b} = array<Unit, ${slots}>(${units.join(', ')});`;
  };
  return {
    /** Statements that bring in the rows of the binding `name` that start at `rows` (a vec4u). */
    load: (name: string) => (team.subgroups ? lines(4, (b) => share(name, b)) : ''),
    /** Unit u of row b of `name`. */
    unit: (name: string, b: number, u: number) =>
      team.subgroups
        ? `subgroupBroadcast(${name}${b}[${Math.floor(u / team.lanes)}], ${u % team.lanes}u)`
        : `${name}[rows[${b}] + ${u}u]`,
    /** A statement for each unit of a head's row. */
    units: (statement: (u: number) => string) => lines(width, statement),
  };
}

/** `vec4f(f(0), f(1), f(2), f(3))` */
export function vec4(component: (b: number) => string): string {
  return `vec4f(${range(4).map(component).join(', ')})`;
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

function lines(count: number, line: (i: number) => string): string {
  return range(count).map(line).join('\n');
}
