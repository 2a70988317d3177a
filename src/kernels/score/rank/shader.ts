import { program } from '../../../engine/program.js';
import { wgsl } from '../../../engine/wgsl.js';
import { catalogueWgsl, scoreMain, type Tile } from '../scores.js';

/**
 * Scores each row's target by the arithmetic that scores its rivals, one lane per row, and starts its rank at 1. The rank of a target that
 * is out or no item is 0 and stays so; also that of one scored NaN or infinity, which nothing exceeds, so that a model that has
 * diverged would look perfect. B D multiply-adds in all: nothing beside the catalogue's.
 */
export const targetScores = program(
  'rank.targets',
  (tile: Tile) => wgsl`${catalogueWgsl(tile)}
const LARGEST = 0x1.fffffep+127f;
struct Params { B: u32, N: u32, cells: u32, words: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(3) var<storage, read> targets: array<u32>; // [B]
@group(0) @binding(4) var<storage, read> excluded: array<u32>; // [B, words]
@group(0) @binding(5) var<storage, read_write> target_score: array<f32>; // [B]
@group(0) @binding(6) var<storage, read_write> rank: array<u32>; // [B]
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let row = workgroup.x * WORKGROUP_SIZE + local;
  if (row >= params.B) { return; }
  let item = min(targets[row], params.N);
  let out = ((excluded[row * params.words + item / 32u] >> (item % 32u)) & 1u) == 1u;
  let score = score_tile(row, vec4u(item), 0u)[0].x;
  let finite = (bitcast<u32>(score) & 0x7f800000u) != 0x7f800000u; // by its bits: compilers may take NaN for impossible
  let found = !out && item >= 1u && targets[row] <= params.N && finite;
  target_score[row] = select(LARGEST, score, found);
  rank[row] = u32(found);
}
`,
);

/** WGSL at the end of a kernel that has counted, in `counts`, the rivals of its tile's rows `first` … `first` + ROWS - 1 that score higher. */
export const ADD_COUNTS = /* wgsl */ `workgroupBarrier();
  if (local < min(ROWS, params.B - first)) {
    let row = first + local;
    if (atomicLoad(&rank[row]) > 0u) { atomicAdd(&rank[row], atomicLoad(&counts[local])); } // an infinite rival exceeds LARGEST
  }`;

/**
 * Adds to each row's rank the items of a tile that score higher: integers, so the order of the atomics does not matter. Bound by the
 * tile's multiply-adds, each of which broadcasts an operand.
 */
export const countBetter = program(
  'rank.count',
  (tile: Tile) => wgsl`${catalogueWgsl(tile)}
struct Params { B: u32, N: u32, cells: u32, words: u32, start: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(3) var<storage, read> target_score: array<f32>; // [B]
@group(0) @binding(4) var<storage, read> excluded: array<u32>; // [B, words]
@group(0) @binding(5) var<storage, read_write> rank: array<atomic<u32>>; // [B]
var<workgroup> counts: array<atomic<u32>, ROWS>;
${scoreMain(tile)}
  let first = workgroup.y * ROWS;
  let items = params.start + workgroup.x * ITEMS + 4u * local + vec4u(0u, 1u, 2u, 3u); // of one word of a row's bits
  let inside = (items >= vec4u(1u)) & (items <= vec4u(params.N));
  let word = min(items.x, params.N) / 32u;
  let scores = score_tile(first, min(items, vec4u(params.N)), lane);
  for (var i = 0u; i < min(ROWS, params.B - first); i++) {
    let row = first + i;
    let better = inside & (scores[i] > vec4f(target_score[row]));
    if (any(better)) {
      let bits = vec4u(excluded[row * params.words + word]) >> (items % 32u);
      atomicAdd(&counts[i], dot(~bits & vec4u(1u), vec4u(better)));
    }
  }
  ${ADD_COUNTS}
}
`,
);
