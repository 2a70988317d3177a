import { cellsOf } from '../cells.js';
import type { AttentionConstants } from './tile.js';

const CHUNK = 4; // cells that a lane moves between its own row and a buffer at a time

/** The value of the kernels' uniform `chunks`. It is constant, but as a uniform it keeps compilers from unrolling the loops over chunks. */
export function chunksOf(headSize: number): number {
  return Math.ceil(cellsOf(headSize).count / CHUNK);
}

/**
 * WGSL for what the tile kernels do with rows of CELLS cells. Each lane has rows of its own in registers. All lanes of a team visit shared rows of a
 * buffer. Each row of the tile has sums, to which shared rows are added with a weight that its lane knows.
 *
 * With subgroups each lane loads every LANES-th cell of a shared row. A dot product of own and shared row broadcasts each cell from the
 * lane that has it; the sums stay spread over the lanes as the shared rows are, so that only the weight is broadcast. Without
 * subgroups every lane reads every cell of the shared row and keeps the sums of its own row.
 *
 * Arrays are indexed by constants alone, so that compilers keep them in registers. Mesa's compile time grows with the square of the
 * number of places that load or store, hence the loops in `load` and `store`. Variables are initialised explicitly: Tint zeroes one
 * without a value once, when the function begins, and not in every iteration.
 */
export function rowText(constants: AttentionConstants): RowText {
  return constants.team.subgroups ? spreadRows(constants) : laneRows(constants);
}

interface RowText {
  /** Declares the own row `own`, loaded from the binding. */
  load(own: string, binding: string): string;
  /** Loads the row of token `t` from a binding. Must come before `dot` and `add` of that binding. */
  share(binding: string, t: string): string;
  /** Declares `result` = own row . shared row. */
  dot(result: string, own: string, binding: string): string;
  /** Declares sums, zero. */
  sums(name: string): string;
  /** sums += weight * shared row */
  add(name: string, weight: string, binding: string): string;
  /** sums *= factor */
  scale(name: string, factor: string): string;
  /** `statement(cell, at)` for each cell of the sums; `at` is its place in a binding. */
  store(name: string, statement: (cell: string, at: string) => string): string;
}

function spreadRows(constants: AttentionConstants): RowText {
  const { headSize, last = false, team } = constants;
  const { count } = cellsOf(headSize);
  const slots = range(Math.ceil(count / team.lanes));
  const column = (slot: number) => `lane + ${slot * team.lanes}u`;
  const rows = (text: (r: number) => string) =>
    range(last ? 1 : team.lanes)
      .map(text)
      .join('\n');
  return {
    ...ownRows(
      count,
      (binding, u) => `subgroupBroadcast(${binding}_row[${Math.floor(u / team.lanes)}], ${u % team.lanes}u)`,
    ),
    share: (binding, t) => {
      const cells = slots.map((slot) => `${binding}[${binding}_at + min(${column(slot)}, CELLS - 1u)]`);
      return `let ${binding}_at = (${t} * HEADS + head) * CELLS;
let ${binding}_row = array<Cell, ${slots.length}>(${cells.join(', ')});`;
    },
    sums: (name) => rows((r) => `var ${name}${r} = array<Cell, ${slots.length}>();`),
    add: (name, weight, binding) =>
      rows((r) => {
        const terms = slots.map((slot) => `${name}${r}[${slot}] += weight * ${binding}_row[${slot}];`);
        return `{ let weight = subgroupBroadcast(${weight}, ${r}u); ${terms.join(' ')} }`;
      }),
    scale: (name, factor) =>
      rows((r) => {
        const terms = slots.map((slot) => `${name}${r}[${slot}] *= factor;`);
        return `{ let factor = subgroupBroadcast(${factor}, ${r}u); ${terms.join(' ')} }`;
      }),
    store: (name, statement) => {
      const stores = slots.map((slot) => {
        const cell = `cell${slot}`;
        return `var ${cell} = ${name}0[${slot}];
${rows((r) => `${cell} = select(${cell}, ${name}${r}[${slot}], r == ${r}u);`)}
if (${column(slot)} < CELLS) { ${statement(cell, `((first_row + r) * HEADS + head) * CELLS + ${column(slot)}`)} }`;
      });
      return `for (var r = 0u; r < last - first; r++) {\n${stores.join('\n')}\n}`;
    },
  };
}

function laneRows({ headSize }: AttentionConstants): RowText {
  const { count } = cellsOf(headSize);
  const shared = (binding: string, u: number) => `${binding}[${binding}_at + ${u}u]`;
  const cells = (text: (u: number) => string) => range(count).map(text).join('\n');
  return {
    ...ownRows(count, shared),
    share: (binding, t) => `let ${binding}_at = (${t} * HEADS + head) * CELLS;`,
    sums: (name) => `var ${name} = array<Cell, CELLS>();`,
    add: (name, weight, binding) => cells((u) => `${name}[${u}] += ${weight} * ${shared(binding, u)};`),
    scale: (name, factor) => cells((u) => `${name}[${u}] *= ${factor};`),
    store: (name, statement) =>
      `if (inside) {
${eachOfChunk(count, (i, cells) => {
  const others = cells.slice(1).map((u) => `cell${i} = select(cell${i}, ${name}[${u}], c == ${chunk(u)}u);`);
  return `var cell${i} = ${name}[${i}];
${others.join('\n')}
if (c * ${CHUNK}u + ${i}u < CELLS) { ${statement(`cell${i}`, `at + c * ${CHUNK}u + ${i}u`)} }`;
})}
}`,
  };
}

/** What a lane does with its own row. Variants differ only in `shared(binding, u)`, how a lane gets a cell of a shared row. */
function ownRows(count: number, shared: (binding: string, u: number) => string): Pick<RowText, 'load' | 'dot'> {
  return {
    load: (own, binding) =>
      `var ${own} = array<Cell, CELLS>();
${eachOfChunk(count, (i, cells) => {
  const picks = cells.map((u) => `${own}[${u}] = select(${own}[${u}], cell${i}, c == ${chunk(u)}u);`);
  return `let cell${i} = ${binding}[at + min(c * ${CHUNK}u + ${i}u, CELLS - 1u)];
${picks.join('\n')}`;
})}`,
    dot: (result, own, binding) =>
      `var ${result}_parts = Cell();
${range(count)
  .map((u) => `${result}_parts += ${own}[${u}] * ${shared(binding, u)};`)
  .join('\n')}
let ${result} = total(${result}_parts);`,
  };
}

/** A loop over chunks c; `text(i, cells)` for the i-th cell of each chunk, which is one of `cells`. */
function eachOfChunk(count: number, text: (i: number, cells: number[]) => string): string {
  const texts = range(Math.min(CHUNK, count)).map((i) =>
    text(
      i,
      range(count).filter((u) => u % CHUNK === i),
    ),
  );
  return `for (var c = 0u; c < params.chunks; c++) {\n${texts.join('\n')}\n}`;
}

function chunk(u: number): number {
  return Math.floor(u / CHUNK);
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
