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

const CHUNK = 4; // units that a lane moves between its registers and a buffer at a time

/** Units of a head's row: vec4s where the head size allows, else scalars. */
function widthOf(headSize: number): number {
  return headSize % 4 === 0 ? headSize / 4 : headSize;
}

/** The kernels' uniform `chunks`. It is a constant; as a uniform it keeps compilers from unrolling the loops over chunks. */
export function chunksOf(headSize: number): number {
  return Math.ceil(widthOf(headSize) / CHUNK);
}

/** The type of a storage binding of rows, in the form in which `parseProgram` reads it. */
export function rowsOf(headSize: number): string {
  return headSize % 4 === 0 ? 'array<vec4<f32>>' : 'array<f32>';
}

/** WGSL: `Unit`, `total(unit)`, and the sizes HEADS, WIDTH (units of a head's row), SCALE (of the scores). */
export function unitWgsl(heads: number, headSize: number): string {
  return wgsl`
#if ${headSize % 4 === 0}
alias Unit = vec4f;
fn total(unit: vec4f) -> f32 { return (unit.x + unit.y) + (unit.z + unit.w); }
#else
alias Unit = f32;
fn total(unit: f32) -> f32 { return unit; }
#endif
const HEADS = ${heads}u;
const WIDTH = ${widthOf(headSize)}u;
const SCALE = ${float(1 / Math.sqrt(headSize))};
`;
}

/** WGSL that stands first in the tile kernels: a team takes a tile of LANES consecutive rows of one head, a row a lane. */
export function tileWgsl({ heads, headSize, dropout, team }: AttentionConstants): string {
  return wgsl`${teamWgsl(team)}${unitWgsl(heads, headSize)}
#if ${dropout}
${PHILOX_WGSL}${DROPOUT_WGSL}
#endif
`;
}

/**
 * Text for a lane's own rows, arrays of WIDTH units in registers (so indexed by constants alone), and for rows of a buffer that all
 * lanes of a team share. With subgroups each lane loads its part of a shared row, and a unit is broadcast from the lane that has
 * it; without, every lane reads every unit. Mesa's compile time grows with the square of the number of places that load or
 * store, hence the loops over chunks.
 */
export function rowText({ headSize, team }: AttentionConstants) {
  const width = widthOf(headSize);
  const slots = Math.ceil(width / team.lanes);
  const each = (statement: (u: number) => string) => range(width).map(statement).join('\n');
  const eachOfChunk = (statement: (i: number) => string) =>
    `for (var c = 0u; c < params.chunks; c++) {
${range(Math.min(CHUNK, width)).map(statement).join('\n')}
}`;
  const chunkUnits = (i: number) => range(width).filter((u) => u % CHUNK === i);
  const shared = (name: string, u: number) =>
    team.subgroups
      ? `subgroupBroadcast(${name}_row[${Math.floor(u / team.lanes)}], ${u % team.lanes}u)`
      : `${name}[${name}_at + ${u}u]`;
  return {
    /** Declares a lane's own row, zero. */
    zero: (own: string) => `var ${own}: array<Unit, WIDTH>;`,

    /** Declares a lane's own row with what the binding `name` holds from `at` on. */
    load: (own: string, name: string, at: string) =>
      `var ${own}: array<Unit, WIDTH>;
${eachOfChunk((i) =>
  [
    `let unit${i} = ${name}[${at} + min(${CHUNK}u * c + ${i}u, WIDTH - 1u)];`,
    ...chunkUnits(i).map((u) => `${own}[${u}] = select(${own}[${u}], unit${i}, c == ${Math.floor(u / CHUNK)}u);`),
  ].join('\n'),
)}`,

    /** `statement(unit, index)` for each unit of a lane's own row, `index` its WGSL number. */
    store: (own: string, statement: (unit: string, index: string) => string) =>
      eachOfChunk((i) => {
        const [first, ...others] = chunkUnits(i);
        return [
          `var unit${i} = ${own}[${first}];`,
          ...others.map((u) => `unit${i} = select(unit${i}, ${own}[${u}], c == ${Math.floor(u / CHUNK)}u);`),
          `if (${CHUNK}u * c + ${i}u < WIDTH) { ${statement(`unit${i}`, `(${CHUNK}u * c + ${i}u)`)} }`,
        ].join('\n');
      }),

    /** Brings in the row of the binding `name` that starts at `at`; to stand before the two below. */
    share: (name: string, at: string) => {
      const unit = (slot: number) => `${name}[${name}_at + min(lane + ${slot * team.lanes}u, WIDTH - 1u)]`;
      const row = `let ${name}_row = array<Unit, ${slots}>(${range(slots).map(unit).join(', ')});`;
      return `let ${name}_at = ${at};\n${team.subgroups ? row : ''}`;
    },

    /** Declares `result` = own . shared row. */
    dot: (result: string, own: string, name: string) =>
      `var ${result}_parts = Unit(); // written out: Tint zeroes a variable of a loop once, not each time round
${each((u) => `${result}_parts += ${own}[${u}] * ${shared(name, u)};`)}
let ${result} = total(${result}_parts);`,

    /** own += weight * shared row */
    mix: (own: string, weight: string, name: string) => each((u) => `${own}[${u}] += ${weight} * ${shared(name, u)};`),

    /** own *= factor */
    scale: (own: string, factor: string) => each((u) => `${own}[${u}] *= ${factor};`),
  };
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
