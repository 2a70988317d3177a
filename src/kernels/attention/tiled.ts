import { mainWgsl, wgsl } from '../../engine/wgsl.js';
import { cellsOf } from '../cells.js';
import { eachTileWgsl, tilesHeadWgsl } from './tile.js';

/** What is baked into the tiled kernels. */
export interface TiledConstants {
  heads: number;
  headSize: number;
  dropout: boolean;
  /** Tokens see those after them, too. */
  bidirectional?: boolean;
  /** Only the last token of each sequence queries: row i of q, y and spans is sequence i's. */
  last?: boolean;
}

/** The largest head that the tiled kernels take: its sums fill the registers that they were planned for. */
export const MOST_TILED = 256;

const LANES = 128;
const OTHERS = 32; // rows that the rows of a tile meet at a time
const CHUNK = 32; // floats of these rows that are multiplied at a time
const STAGED = 2304; // floats of workgroup memory for what is multiplied
const LANE_ROWS = 4; // rows of a lane's sums at most

/** How a tile's work is dealt out to the lanes. */
export interface Tiling {
  /** Rows of the tile, whose sums it owns: queries or keys. */
  rows: number;
  queries: number;
  keys: number;
  /** Scores: a lane has four neighbouring keys and `each` queries. */
  keyGroups: number;
  queryGroups: number;
  each: number;
  /** Cells of a row that are multiplied at a time. */
  chunk: number;
  /** Sums: a lane has `deep` neighbouring rows of the tile and every `across`-th cell of them, `columns` in all. */
  across: number;
  deep: number;
  columns: number;
  /** Other rows that are added at a time. */
  together: number;
}

export function tilingOf(headSize: number, own: 'queries' | 'keys'): Tiling {
  const { size, count } = cellsOf(headSize);
  const rows = headSize > 128 ? 16 : 32; // fewer where they are long, since sums lie in registers
  const [queries, keys] = own === 'queries' ? [rows, OTHERS] : [OTHERS, rows];
  const keyGroups = keys / 4;
  const queryGroups = LANES / keyGroups;
  const powers = [...Array(6).keys()].map((exponent) => 2 ** exponent);
  const most = (LANES * LANE_ROWS) / rows;
  const across = powers.find((power) => power >= LANES / rows && (power >= count || power === most))!;
  return {
    rows,
    queries,
    keys,
    keyGroups,
    queryGroups,
    each: queries / queryGroups,
    chunk: Math.min(CHUNK / size, count),
    across,
    deep: (rows * across) / LANES,
    columns: Math.ceil(count / across),
    together: powers.filter((power) => power * count * size <= STAGED).at(-1)!,
  };
}

/** The uniform `chunks`. It is a constant; as a uniform it keeps compilers from unrolling the loop over chunks. */
export function tiledChunks(headSize: number): number {
  return Math.ceil(cellsOf(headSize).count / tilingOf(headSize, 'queries').chunk);
}

/** Rows of a binding as a kernel finds them: `token(r)` is WGSL for the row of `r`. */
export interface Rows {
  binding: string;
  token: (r: string) => string;
}

/** Text of what the tiled kernels do. Everything is unrolled, so that no array is indexed at run time and all of it is in registers. */
export function tileText(headSize: number, own: 'queries' | 'keys') {
  const tiling = tilingOf(headSize, own);
  const { queries, keys, keyGroups, queryGroups, each, chunk, across, deep, columns, together } = tiling;
  const { size, count } = cellsOf(headSize);
  const parts = size === 4 ? ['.x', '.y', '.z', '.w'] : [''];
  const lines = (n: number, line: (i: number) => string) => Array.from({ length: n }, (_, i) => line(i)).join('\n');
  const at = (token: string) => `((${token}) * HEADS + head) * CELLS`;

  const stage = (n: number, { binding, token }: Rows, slot: string) => {
    const cell = (column: string) => `${binding}[${at(token('r'))} + ${column}]`;
    const inside = count % chunk === 0;
    return `for (var i = local; i < ${n * chunk}u; i += ${LANES}u) {
  let r = i / ${chunk}u;
  let column = chunk * ${chunk}u + i % ${chunk}u;
  staged[(${slot}) * ${chunk + 1}u + i % ${chunk}u] = ${inside ? cell('column') : `select(Cell(), ${cell('min(column, CELLS - 1u)')}, column < CELLS)`};
}`;
  };

  /** Declares `name0` and so on, for each of the lane's queries the products with its four keys. */
  const products = (name: string, query: Rows, key: Rows) => `
${lines(each, (j) => `var ${name}${j} = vec4f();`)}
for (var chunk = 0u; chunk < params.chunks; chunk++) {
  workgroupBarrier();
  ${stage(queries, query, 'r')}
  ${stage(keys, key, `${queries}u + r % 4u * ${keyGroups}u + r / 4u`)}
  workgroupBarrier();
  for (var u = 0u; u < ${chunk}u; u++) {
    ${lines(4, (i) => `let key${i} = staged[(${queries + i * keyGroups}u + key_group) * ${chunk + 1}u + u];`)}
    ${lines(each, (j) => `let query${j} = staged[(query_group + ${j * queryGroups}u) * ${chunk + 1}u + u];`)}
    ${lines(each, (j) =>
      parts
        .map((part) => {
          const four = [0, 1, 2, 3].map((i) => `key${i}${part}`).join(', ');
          return `${name}${j} = fma(vec4f(query${j}${part}), vec4f(${four}), ${name}${j});`;
        })
        .join('\n'),
    )}
  }
}`;

  const sum = (name: string, i: number, n: number) => `${name}${i}_${n}`;
  const eachSum = (line: (i: number, n: number) => string) => lines(deep, (i) => lines(columns, (n) => line(i, n)));
  /** sums += weights in `tile` times rows of the other side. */
  const add = (name: string, { binding, token }: Rows) => {
    const xyzw = ['x', 'y', 'z', 'w'];
    const cells = (row: string) =>
      lines(columns, (n) => `let cell${n} = staged[(${row}) * CELLS + min(column + ${n * across}u, CELLS - 1u)];`);
    const terms = (weight: (i: number) => string) =>
      eachSum((i, n) => `${sum(name, i, n)} += ${weight(i)} * cell${n};`);
    const four = `tile[(first_other + s) * ${keys / 4 + 1}u + row / 4u]`;
    const ownWeights =
      deep === 4
        ? `let w = ${four};`
        : deep === 2
          ? `let four = ${four};
let w = select(four.xy, four.zw, (row & 2u) != 0u);`
          : `let w = vec2f(${four}[row & 3u]);`;
    const step = own === 'queries' ? Math.min(4, together) : 1;
    return `for (var first_other = 0u; first_other < ${OTHERS}u; first_other += ${together}u) {
  workgroupBarrier();
  for (var i = local; i < ${together}u * CELLS; i += ${LANES}u) {
    let r = first_other + i / CELLS;
    staged[i] = ${binding}[${at(token('r'))} + i % CELLS];
  }
  workgroupBarrier();
  for (var s = 0u; s < ${together}u; s += ${step}u) {
${
  own === 'queries'
    ? `${lines(deep, (i) => `let w${i} = tile[(row + ${i}u) * ${keys / 4 + 1}u + (first_other + s) / 4u];`)}
${lines(step, (q) => `{ ${cells(`s + ${q}u`)} ${terms((i) => `w${i}.${xyzw[q]}`)} }`)}`
    : `${ownWeights}
${cells('s')}
${terms((i) => `w.${xyzw[i]}`)}`
}
  }
}`;
  };

  return {
    tiling,
    products,
    add,
    /** Declares sums, zero. */
    sums: (name: string) => eachSum((i, n) => `var ${sum(name, i, n)} = Cell();`),
    /** Multiplies the sums of each row; `factor(i)` for the lane's i-th. */
    scale: (name: string, factor: (i: number) => string) => eachSum((i, n) => `${sum(name, i, n)} *= ${factor(i)};`),
    /** `statement(cell, at)` for each cell of the sums that is one; `at` is its place in a binding. */
    store: (name: string, statement: (cell: string, at: string) => string) =>
      eachSum((i, n) => {
        const cell = `column + ${n * across}u`;
        return `if (row + ${i}u < last - first && ${cell} < CELLS) { ${statement(sum(name, i, n), `${at(`first_row + row + ${i}u`)} + ${cell}`)} }`;
      }),
    /** For each of the lane's queries: its number among the lane's, and its row of the tile or of the other side. */
    eachQuery: (line: (j: number, row: string) => string) =>
      lines(each, (j) => line(j, `(query_group + ${j * queryGroups}u)`)),
    /** Puts weights of a query's four keys into the tile. */
    put: (j: number, weights: string) =>
      `tile[(query_group + ${j * queryGroups}u) * ${keys / 4 + 1}u + key_group] = ${weights};`,
  };
}

/**
 * WGSL of a kernel whose workgroups take tiles of `rows` rows (see `eachTileWgsl`) and share what they need through workgroup memory. `body` also finds what
 * is the lane's: key_group, query_group, column and row.
 */
export function tiledWgsl(
  constants: TiledConstants,
  { rows, queries, keys, keyGroups, across, deep }: Tiling,
  declarations: string,
  body: string,
): string {
  return wgsl`${tilesHeadWgsl(constants, declarations)}
var<workgroup> staged: array<Cell, ${STAGED / cellsOf(constants.headSize).size}>;
var<workgroup> tile: array<vec4f, ${queries * (keys / 4 + 1)}>; // [queries, keys]
${mainWgsl(LANES)}
  let key_group = local % ${keyGroups}u;
  let query_group = local / ${keyGroups}u;
  let column = local % ${across}u;
  let row = local / ${across}u * ${deep}u;
${eachTileWgsl(`${rows}u`, constants.last ?? false, body)}`;
}
