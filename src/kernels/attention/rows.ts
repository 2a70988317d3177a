import { type AttentionConstants, widthOf } from './tile.js';

const CHUNK = 4; // units that a lane moves between its own row and a buffer at a time

/** The kernels' uniform `chunks`. It is a constant; as a uniform it keeps compilers from unrolling the loops over chunks. */
export function chunksOf(headSize: number): number {
  return Math.ceil(widthOf(headSize) / CHUNK);
}

/**
 * Text of what the tile kernels do with rows of WIDTH units. Each lane has own rows in registers; all lanes of a team visit shared
 * rows of a buffer; and each row of the tile has sums, to which shared rows are added with a weight that its lane knows.
 *
 * With subgroups each lane loads every LANES-th unit of a shared row. A dot product of own and shared row broadcasts each unit from the
 * lane that has it; the sums stay spread over the lanes as the shared rows are, so that only the weight is broadcast. Without
 * subgroups every lane reads every unit of the shared row and keeps the sums of its own row.
 *
 * Arrays are indexed by constants alone, so that compilers keep them in registers. Mesa's compile time grows with the square of the
 * number of places that load or store, hence the loops in `load` and `store`. Variables get their zeros in writing: Tint zeroes one
 * without a value when the function begins, not each time round a loop.
 */
export function rowText(constants: AttentionConstants): RowText {
  return constants.team.subgroups ? spreadRows(constants) : laneRows(constants);
}

interface RowText {
  /** Declares the own row `own` with what the binding holds. */
  load(own: string, binding: string): string;
  /** Brings in the row of token `t` of a binding; to stand before `dot` and `add` of that binding. */
  share(binding: string, t: string): string;
  /** Declares `result` = own row . shared row. */
  dot(result: string, own: string, binding: string): string;
  /** Declares sums, zero. */
  sums(name: string): string;
  /** sums += weight * shared row */
  add(name: string, weight: string, binding: string): string;
  /** sums *= factor */
  scale(name: string, factor: string): string;
  /** `statement(unit, at)` for each unit of the sums; `at` is where it belongs in a binding. */
  store(name: string, statement: (unit: string, at: string) => string): string;
}

function spreadRows(constants: AttentionConstants): RowText {
  const { headSize, last = false, team } = constants;
  const width = widthOf(headSize);
  const slots = range(Math.ceil(width / team.lanes));
  const column = (slot: number) => `lane + ${slot * team.lanes}u`;
  const rows = (text: (r: number) => string) =>
    range(last ? 1 : team.lanes)
      .map(text)
      .join('\n');
  return {
    ...ownRows(
      width,
      (binding, u) => `subgroupBroadcast(${binding}_row[${Math.floor(u / team.lanes)}], ${u % team.lanes}u)`,
    ),
    share: (binding, t) => {
      const units = slots.map((slot) => `${binding}[${binding}_at + min(${column(slot)}, WIDTH - 1u)]`);
      return `let ${binding}_at = (${t} * HEADS + head) * WIDTH;
let ${binding}_row = array<Unit, ${slots.length}>(${units.join(', ')});`;
    },
    sums: (name) => rows((r) => `var ${name}${r} = array<Unit, ${slots.length}>();`),
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
        const unit = `unit${slot}`;
        return `var ${unit} = ${name}0[${slot}];
${rows((r) => `${unit} = select(${unit}, ${name}${r}[${slot}], r == ${r}u);`)}
if (${column(slot)} < WIDTH) { ${statement(unit, `((first_row + r) * HEADS + head) * WIDTH + ${column(slot)}`)} }`;
      });
      return `for (var r = 0u; r < last - first; r++) {\n${stores.join('\n')}\n}`;
    },
  };
}

function laneRows({ headSize }: AttentionConstants): RowText {
  const width = widthOf(headSize);
  const shared = (binding: string, u: number) => `${binding}[${binding}_at + ${u}u]`;
  const units = (text: (u: number) => string) => range(width).map(text).join('\n');
  return {
    ...ownRows(width, shared),
    share: (binding, t) => `let ${binding}_at = (${t} * HEADS + head) * WIDTH;`,
    sums: (name) => `var ${name} = array<Unit, WIDTH>();`,
    add: (name, weight, binding) => units((u) => `${name}[${u}] += ${weight} * ${shared(binding, u)};`),
    scale: (name, factor) => units((u) => `${name}[${u}] *= ${factor};`),
    store: (name, statement) =>
      `if (inside) {
${eachOfChunk(width, (i, units) => {
  const others = units.slice(1).map((u) => `unit${i} = select(unit${i}, ${name}[${u}], c == ${chunk(u)}u);`);
  return `var unit${i} = ${name}[${i}];
${others.join('\n')}
if (c * ${CHUNK}u + ${i}u < WIDTH) { ${statement(`unit${i}`, `at + c * ${CHUNK}u + ${i}u`)} }`;
})}
}`,
  };
}

/** What a lane does with its own row is the same in both, but for how it comes by `shared(binding, u)`, a unit of a shared row. */
function ownRows(width: number, shared: (binding: string, u: number) => string): Pick<RowText, 'load' | 'dot'> {
  return {
    load: (own, binding) =>
      `var ${own} = array<Unit, WIDTH>();
${eachOfChunk(width, (i, units) => {
  const picks = units.map((u) => `${own}[${u}] = select(${own}[${u}], unit${i}, c == ${chunk(u)}u);`);
  return `let unit${i} = ${binding}[at + min(c * ${CHUNK}u + ${i}u, WIDTH - 1u)];
${picks.join('\n')}`;
})}`,
    dot: (result, own, binding) =>
      `var ${result}_parts = Unit();
${range(width)
  .map((u) => `${result}_parts += ${own}[${u}] * ${shared(binding, u)};`)
  .join('\n')}
let ${result} = total(${result}_parts);`,
  };
}

/** A loop over chunks c; `text(i, units)` for the i-th unit of each chunk, which is one of `units`. */
function eachOfChunk(width: number, text: (i: number, units: number[]) => string): string {
  const texts = range(Math.min(CHUNK, width)).map((i) =>
    text(
      i,
      range(width).filter((u) => u % CHUNK === i),
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
