import { program } from '../../../engine/program.js';
import { wgsl } from '../../../engine/wgsl.js';
import { ADD_COUNTS } from '../rank/shader.js';
import { catalogueWgsl, scoreMain, type Tile } from '../scores.js';

/** The lowest float32, the score of what is no candidate: WGSL has no infinity. */
export const LOWEST = -(2 - 2 ** -23) * 2 ** 127;
const LOWEST_WGSL = 'const LOWEST = -0x1.fffffep+127f;';

/**
 * Scores of `columns` items (a multiple of a tile's) from `start` on: what a merge looks at, and all that is ever stored. With `ranked`, it
 * counts at the same time what scores higher than each row's target, as `rank.count` does.
 */
export const scoreChunk = program(
  'top_k.scores',
  ({ ranked, ...tile }: Tile & { ranked: boolean }) => wgsl`${catalogueWgsl(tile)}
${LOWEST_WGSL}
struct Params { B: u32, N: u32, cells: u32, words: u32, start: u32, columns: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(3) var<storage, read> excluded: array<u32>; // [B, words]
@group(0) @binding(4) var<storage, read_write> scores: array<vec4<f32>>; // [B, columns]
#if ${ranked}
@group(0) @binding(5) var<storage, read> target_score: array<f32>; // [B]
@group(0) @binding(6) var<storage, read_write> rank: array<atomic<u32>>; // [B]
var<workgroup> counts: array<atomic<u32>, ROWS>;
#endif
${scoreMain(tile)}
  let first = workgroup.y * ROWS;
  let column = workgroup.x * ITEMS + 4u * local;
  let items = params.start + column + vec4u(0u, 1u, 2u, 3u); // of one word of a row's bits
  let inside = (items >= vec4u(1u)) & (items <= vec4u(params.N));
  let word = min(items.x, params.N) / 32u;
  let tile = score_tile(first, min(items, vec4u(params.N)), lane);
  for (var i = 0u; i < min(ROWS, params.B - first); i++) {
    let bits = vec4u(excluded[(first + i) * params.words + word]) >> (items % 32u);
    let candidate = inside & ((bits & vec4u(1u)) == vec4u(0u));
    scores[((first + i) * params.columns + column) / 4u] = select(vec4f(LOWEST), tile[i], candidate);
#if ${ranked}
    let better = candidate & (tile[i] > vec4f(target_score[first + i]));
    if (any(better)) { atomicAdd(&counts[i], dot(vec4u(better), vec4u(1u))); }
#endif
  }
#if ${ranked}
  ${ADD_COUNTS}
#endif
}
`,
);

/**
 * Merges the scores of a chunk into each row's best K, one workgroup per row. Candidates, the scores above the K-th best so far, gather
 * in workgroup memory in any order; whenever it is nearly full they are sorted and cut to the best K. The order of (score, item)
 * is total, so the outcome depends on no race. Bound by reading each score once: of n items in random order only about K ln(n / K)
 * are candidates. So the first sort comes as soon as there are K, and then a round, whose barriers are expensive, takes as many scores as
 * there is room for.
 */
export const mergeChunk = program(
  'top_k.merge',
  ({ capacity, workgroup }: { capacity: number; workgroup: number }) => wgsl`
const CAPACITY = ${capacity}u; // a power of two, at least 2 K
const FIRST = 128u; // scores of a round before there is a threshold: nearly all are candidates
${LOWEST_WGSL}
struct Params { K: u32, start: u32, columns: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> scores: array<vec4<f32>>; // [B, columns]
@group(0) @binding(2) var<storage, read_write> best_ids: array<u32>; // [B, K]
@group(0) @binding(3) var<storage, read_write> best_scores: array<f32>; // [B, K]

struct Entry { score: f32, id: u32 }
var<workgroup> entries: array<Entry, CAPACITY>;
var<workgroup> filled: atomic<u32>;
var<workgroup> known: u32; // filled, as all lanes agree on it

fn better(a: Entry, b: Entry) -> bool { return a.score > b.score || (a.score == b.score && a.id < b.id); }

/// Bitonic sort (Batcher 1968) of the first count entries, best first; the rest is padding up to a power of two.
fn sort(count: u32, local: u32) {
  var size = 2u;
  while (size < count) { size *= 2u; }
  for (var i = count + local; i < size; i += ${workgroup}u) { entries[i] = Entry(LOWEST, 0u); }
  workgroupBarrier();
  for (var block = 2u; block <= size; block *= 2u) {
    for (var stride = block / 2u; stride > 0u; stride /= 2u) {
      for (var pair = local; pair < size / 2u; pair += ${workgroup}u) {
        let i = 2u * pair - (pair & (stride - 1u));
        let a = entries[i];
        let b = entries[i + stride];
        if (better(b, a) == ((i & block) == 0u)) {
          entries[i] = b;
          entries[i + stride] = a;
        }
      }
      workgroupBarrier();
    }
  }
}

@compute @workgroup_size(${workgroup})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let K = params.K;
  let row = workgroup.x;
  var threshold = LOWEST;
  var cut = params.start > 0u; // whether there is a threshold
  if (params.start > 0u) {
    for (var i = local; i < K; i += ${workgroup}u) { entries[i] = Entry(best_scores[row * K + i], best_ids[row * K + i]); }
    threshold = best_scores[row * K + K - 1u];
    if (local == 0u) { atomicStore(&filled, K); }
  }
  for (var first = 0u; first < params.columns;) {
    workgroupBarrier();
    if (local == 0u) { known = atomicLoad(&filled); }
    var count = workgroupUniformLoad(&known);
    if (count > select(K, CAPACITY / 4u * 3u, cut)) {
      sort(count, local);
      count = K;
      threshold = entries[K - 1u].score;
      cut = true;
      if (local == 0u) { atomicStore(&filled, K); }
      workgroupBarrier();
    }
    let room = (CAPACITY - count) / 4u * 4u;
    let end = min(first + select(min(room, FIRST), room, cut), params.columns);
    for (var column = first + 4u * local; column < end; column += 4u * ${workgroup}u) {
      let four = scores[(row * params.columns + column) / 4u];
      if (any(four > vec4f(threshold))) {
        for (var i = 0u; i < 4u; i++) {
          if (four[i] > threshold) { entries[atomicAdd(&filled, 1u)] = Entry(four[i], params.start + column + i); }
        }
      }
    }
    first = end;
  }
  workgroupBarrier();
  if (local == 0u) { known = atomicLoad(&filled); }
  let count = workgroupUniformLoad(&known);
  sort(count, local);
  for (var i = local; i < K; i += ${workgroup}u) {
    let found = i < count;
    best_ids[row * K + i] = select(0u, entries[i].id, found);
    best_scores[row * K + i] = select(LOWEST, entries[i].score, found);
  }
}
`,
);
