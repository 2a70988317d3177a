import { program } from '../../engine/program.js';
import { mainWgsl, wgsl } from '../../engine/wgsl.js';
import { sortingNetwork } from './network.js';

/*
 * All passes are bound by scattered reads and writes of four bytes. If there are more rows than pairs, scans of empty rows count too.
 */

export const WORKGROUP = 64;

/** Pairs per invocation in the passes over pairs: on a CPU, starting an invocation costs as much as a pair. */
export const PAIRS = 4;

/** Consecutive numbers that one invocation scans. */
export const RUN = 64;

const MAIN = /* wgsl */ `${mainWgsl(WORKGROUP)}
  let i = number * ${WORKGROUP}u + local;`;

const MAIN_PAIRS = /* wgsl */ `${mainWgsl(WORKGROUP)}
  let first = number * ${WORKGROUP * PAIRS}u + local;
  for (var i = first; i < min(first + ${WORKGROUP * PAIRS}u, params.P); i += ${WORKGROUP}u)`;

const IDS = /* wgsl */ `
struct Params { P: u32, chunks: u32, chunk: u32, item_bits: u32, pair_bits: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> ids: array<u32>; // [P]
fn segment_of(id: u32, i: u32) -> u32 { return (id >> params.item_bits) * params.chunks + i / params.chunk; }`;

/** Counts the pairs of each segment (bucket of items, chunk of consecutive pairs). Bound by one scattered atomic per pair. */
export const count = program(
  'group.count',
  () => wgsl`${IDS}
@group(0) @binding(2) var<storage, read_write> counts: array<atomic<u32>>; // [buckets * chunks]
${MAIN_PAIRS} {
    atomicAdd(&counts[segment_of(ids[i], i)], 1u);
  }
}
`,
);

/** Writes each pair's key into its segment, in whatever order invocations arrive. Leaves the segments' ends in `cursors`. */
export const scatter = program(
  'group.scatter',
  () => wgsl`${IDS}
@group(0) @binding(2) var<storage, read_write> cursors: array<atomic<u32>>; // [buckets * chunks]
@group(0) @binding(3) var<storage, read_write> order: array<u32>; // [P]
${MAIN_PAIRS} {
    let id = ids[i];
    let place = atomicAdd(&cursors[segment_of(id, i)], 1u);
    order[place] = (extractBits(id, 0u, params.item_bits) << params.pair_bits) | i;
  }
}
`,
);

/** Sums each run of RUN numbers. */
export const totals = program(
  'group.totals',
  () => wgsl`
struct Params { n: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> values: array<u32>; // [n]
@group(0) @binding(2) var<storage, read_write> sums: array<u32>; // [ceil(n / RUN)]
${MAIN}
  let first = i * ${RUN}u;
  if (first >= params.n) { return; }
  var sum = 0u;
  for (var j = first; j < min(first + ${RUN}u, params.n); j++) { sum += values[j]; }
  sums[i] = sum;
}
`,
);

/** Replaces every number by the sum of those before it, one run per invocation; `nested`: a run starts from its base, else there is one run. */
export const scanRuns = program(
  'group.scan',
  ({ nested }: { nested: boolean }) => wgsl`
struct Params { n: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> values: array<u32>; // [n]
#if ${nested}
@group(0) @binding(2) var<storage, read> bases: array<u32>; // [ceil(n / RUN)]
#endif
${MAIN}
  let first = i * ${RUN}u;
  if (first >= params.n) { return; }
#if ${nested}
  var sum = bases[i];
#else
  var sum = 0u;
#endif
  for (var j = first; j < min(first + ${RUN}u, params.n); j++) {
    let value = values[j];
    values[j] = sum;
    sum += value;
  }
}
`,
);

/** Segments with more pairs than this, as very popular items have, are sorted by a workgroup. */
export const LONG = 256;

/** The most pairs of a segment that are sorted in registers: twice the average, so that few segments have more. */
const FEW = 16;

/** WGSL: sorts order[first] … order[end - 1], FEW at most, with the exchanges of a network and no loop that lanes must wait in. */
function sortFew(): string {
  const each = (line: (i: number) => string) => Array.from({ length: FEW }, (_, i) => line(i)).join('\n');
  return wgsl`
    var key: array<u32, ${FEW}>;
${each((i) => `    key[${i}] = 0xffffffffu; if (first + ${i}u < end) { key[${i}] = order[first + ${i}u]; }`)}
${sortingNetwork(FEW)
  .map(
    ([a, b]) =>
      `    { let less = min(key[${a}], key[${b}]); key[${b}] = max(key[${a}], key[${b}]); key[${a}] = less; }`,
  )
  .join('\n')}
${each((i) => `    if (first + ${i}u < end) { order[first + ${i}u] = key[${i}]; }`)}
`;
}

/**
 * Sorts each segment, which undoes the scatter's race: the order is then ascending by item and pair. Writes the buckets' starts.
 * A handful of pairs, as usual, is sorted in registers; more by Shell's sort with Knuth's gaps. Long segments are only listed, and the order of the list
 * changes no bit.
 */
export const sortSegments = program(
  'group.sort',
  () => wgsl`
struct Params { buckets: u32, chunks: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> ends: array<u32>; // [buckets * chunks]
@group(0) @binding(2) var<storage, read_write> order: array<u32>; // [P]
@group(0) @binding(3) var<storage, read_write> starts: array<u32>; // [buckets + 1]
@group(0) @binding(4) var<storage, read_write> long: array<atomic<u32>>; // [1 + P / LONG]: their number, then the segments
${MAIN}
  if (i >= params.buckets * params.chunks) { return; }
  var first = 0u;
  if (i > 0u) { first = ends[i - 1u]; }
  let end = ends[i];
  if (i % params.chunks == 0u) { starts[i / params.chunks] = first; }
  if (i == params.buckets * params.chunks - 1u) { starts[params.buckets] = end; }
  let n = end - first;
  if (n > ${LONG}u) {
    atomicStore(&long[1u + atomicAdd(&long[0], 1u)], i);
  } else if (n > ${FEW}u) {
    var gap = 1u;
    while (9u * gap < n) { gap = 3u * gap + 1u; }
    for (; gap > 0u; gap /= 3u) {
      for (var next = first + gap; next < end; next++) {
        let key = order[next];
        var place = next;
        while (place >= first + gap && order[place - gap] > key) {
          order[place] = order[place - gap];
          place -= gap;
        }
        order[place] = key;
      }
    }
  } else if (n > 1u) {${sortFew()}  }
}
`,
);

/** Invocations of a workgroup that sorts long segments, and the number of such workgroups. */
const SORTERS = 256;
export const SORTING_WORKGROUPS = 32;

/**
 * Sorts the long segments, one per workgroup at a time, by merging runs from width 1 on. A key's place in the merged run is its place in its own run plus
 * the number of smaller keys in the other run, found by bisection; no two keys are equal. That is n log^2 n steps, but shared by all lanes: on a GPU a
 * single lane would take seconds for the fifth of a million pairs that Zipf's law puts into the first bucket.
 */
export const sortLong = program(
  'group.sort_long',
  () => wgsl`
@group(0) @binding(1) var<storage, read> ends: array<u32>; // [buckets * chunks]
@group(0) @binding(2) var<storage, read> long: array<u32>; // [1 + P / LONG]
@group(0) @binding(3) var<storage, read_write> order: array<u32>; // [P]
@group(0) @binding(4) var<storage, read_write> scratch: array<u32>; // [P]
fn key_at(i: u32, scratched: bool) -> u32 {
  if (scratched) { return scratch[i]; }
  return order[i];
}
@compute @workgroup_size(${SORTERS})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  for (var which = workgroup.x; which < long[0]; which += ${SORTING_WORKGROUPS}u) {
    let segment = long[1u + which];
    var first = 0u;
    if (segment > 0u) { first = ends[segment - 1u]; }
    let n = ends[segment] - first;
    var scratched = false;
    for (var width = 1u; width < n; width *= 2u) {
      for (var i = local; i < n; i += ${SORTERS}u) {
        let key = key_at(first + i, scratched);
        let run = i / width;
        let other = min((run ^ 1u) * width, n);
        var low = other;
        var high = min(other + width, n);
        while (low < high) {
          let middle = (low + high) / 2u;
          if (key_at(first + middle, scratched) < key) { low = middle + 1u; } else { high = middle; }
        }
        let place = first + (run & ~1u) * width + i % width + low - other;
        if (scratched) { order[place] = key; } else { scratch[place] = key; }
      }
      scratched = !scratched;
      storageBarrier();
    }
    if (scratched) {
      for (var i = local; i < n; i += ${SORTERS}u) { order[first + i] = scratch[first + i]; }
    }
  }
}
`,
);
