import { PHILOX_WGSL } from '../../base/philox.js';
import { DROPOUT_PARAMS, DROPOUT_WGSL } from '../../engine/random.js';
import { float, laneMainWgsl, wgsl } from '../../engine/wgsl.js';
import { cellWgsl } from '../cells.js';
import { type Team, teamWgsl } from '../team.js';

/** What is baked into the attention kernels. */
export interface AttentionConstants {
  heads: number;
  headSize: number;
  dropout: boolean;
  /** Tokens see those after them, too. */
  bidirectional?: boolean;
  /** Only the last token of each sequence queries: row i of q, y and spans is sequence i's. */
  last?: boolean;
  /** One team per workgroup, so that the bounds of its loops are uniform in the workgroup. */
  team: Team;
}

/** WGSL: `Cell`, `CELLS` (in a head's row), `total(cell)`, HEADS, and SCALE of the scores. */
export function headWgsl(heads: number, headSize: number): string {
  return wgsl`${cellWgsl(headSize)}
const HEADS = ${heads}u;
const SCALE = ${float(1 / Math.sqrt(headSize))};
`;
}

/** WGSL: what comes before `main` in kernels that take tiles of rows: HEADS and so on, the uniforms, `spans`, and dropout where there is any. */
export function tilesHeadWgsl(
  { heads, headSize, dropout }: Pick<AttentionConstants, 'heads' | 'headSize' | 'dropout'>,
  declarations: string,
): string {
  return wgsl`${headWgsl(heads, headSize)}
struct Params { T: u32, chunks: u32, ${dropout ? `whole: u32, ${DROPOUT_PARAMS}` : ''} }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> spans: array<vec2<u32>>; // [T, 2], or [Q, 2]
${declarations}
#if ${dropout}
${PHILOX_WGSL}${DROPOUT_WGSL}
#endif
`;
}

/**
 * WGSL in `main` that does `body` for each of a workgroup's tiles of up to `rows` consecutive rows of one head and one sequence. Tiles begin at multiples
 * of `rows` from their sequence's start, so that what a sequence comes to does not depend on its neighbours. A workgroup does those that
 * begin in its window of `rows` tokens, so no list of tiles is needed. Whatever spans say, loops advance and end. `body` finds `head`, the sequence
 * (start, end), and the tile (first, last; ends are exclusive; first_row, its row in a binding). With `last` a tile is one query.
 */
export function eachTileWgsl(rows: string, last: boolean, body: string): string {
  return wgsl`
  let head = number % HEADS;
#if ${last}
  let first_row = number / HEADS;
  if (first_row < params.T) {
    let start = spans[first_row].x;
    let end = clamp(spans[first_row].y, 1u, arrayLength(&k) / (HEADS * CELLS));
    let first = end - 1u;
    let last = end;
#else
  let window = number / HEADS * ${rows};
  let window_end = min(window + ${rows}, params.T);
  let span = spans[min(window, params.T - 1u)];
  let next = span.x + (window - span.x + ${rows} - 1u) / ${rows} * ${rows};
  for (var first = min(next, span.y); first < window_end; first = max(spans[first].y, first + 1u)) {
    let start = spans[first].x;
    let end = clamp(spans[first].y, first + 1u, params.T);
    let last = min(first + ${rows}, end);
    let first_row = first;
#endif
    ${body}
  }
}
`;
}

/**
 * WGSL of a kernel whose tiles have a row for each lane of a team (see `eachTileWgsl`). `body` also finds the lane's token t and its row, where that
 * begins in a binding (at), and whether it is `inside` the tile: lanes past the end do the last row again and store nothing. With `last` that leaves
 * lanes idle, and is still far less work than the queries left out.
 */
export function tileWgsl(constants: AttentionConstants, declarations: string, body: string): string {
  const { last = false, team } = constants;
  return wgsl`${teamWgsl(team)}${tilesHeadWgsl(constants, declarations)}
${laneMainWgsl('WORKGROUP_SIZE', team)}
${eachTileWgsl(
  'LANES',
  last,
  `let inside = first + lane < last;
    let t = min(first + lane, last - 1u);
    let row = ${last ? 'first_row' : 't'};
    let at = (row * HEADS + head) * CELLS;
    ${body}`,
)}`;
}
