import { GsasError } from '../../base/errors.js';
import type { Stream } from '../../engine/stream.js';
import { sizeOf, type Tensor } from '../../engine/tensor.js';
import {
  count,
  LONG,
  PAIRS,
  RUN,
  SORTING_WORKGROUPS,
  scanRuns,
  scatter,
  sortLong,
  sortSegments,
  totals,
  WORKGROUP,
} from './shader.js';

export const SEGMENT = 8; // pairs that an (item, chunk) segment has on average, at most

/** Pair indices listed by item: those of item r are order[starts[r]] … order[starts[r + 1] - 1], ascending. */
export interface Groups {
  order: Tensor;
  starts: Tensor;
}

/**
 * Pairs listed by item, without a start for each item: bucket b's, those of items b 2^itemBits … (b + 1) 2^itemBits - 1, are
 * keys[starts[b]] … keys[starts[b + 1] - 1]. A key is (item within its bucket) << pairBits | pair, ascending within the bucket.
 */
export interface Buckets {
  keys: Tensor;
  starts: Tensor;
  count: number;
  itemBits: number;
  pairBits: number;
}

/**
 * Groups pairs by item: a counting sort over (item, chunk of consecutive pairs) whose only race, the order within a segment, is undone
 * by sorting the few pairs of each segment. So the result is exact and the same from run to run, with u32 atomics alone.
 * @param ids u32 of any shape, P in all, each below `rows` (not checked: an id beyond makes the result undefined)
 * @returns order [P] and starts [rows + 1], u32; the caller releases them
 */
export function groupByItem(stream: Stream, ids: Tensor, rows: number): Groups {
  const { keys, starts } = sortInto(stream, ids, rows, 0); // whole items: a key is the pair alone
  return { order: keys, starts };
}

/**
 * The same, in time and memory that do not grow with the items: a segment of the counting sort belongs to a bucket of as many items
 * as have some SEGMENT pairs together, and sorting its keys sorts its items too.
 * @param rows below 2^27
 * @returns keys [P] and starts [count + 1], u32; the caller releases them
 * @throws GsasError where an item and a pair do not fit a key of 32 bits
 */
export function groupInBuckets(stream: Stream, ids: Tensor, rows: number): Buckets {
  const most = Math.max(1, sizeOf(ids.shape) / SEGMENT);
  const itemBits = Math.max(0, Math.floor(Math.log2(rows / most)));
  return sortInto(stream, ids, rows, itemBits);
}

function sortInto(stream: Stream, ids: Tensor, rows: number, itemBits: number): Buckets {
  const P = sizeOf(ids.shape);
  const pairBits = Math.ceil(Math.log2(P));
  if (itemBits + pairBits > 32) throw new GsasError(`group: ${P} pairs of ${rows} items do not fit keys of 32 bits`);
  const buckets = Math.ceil(rows / 2 ** itemBits);
  const chunks = itemBits > 0 ? 1 : Math.max(1, Math.ceil(P / (SEGMENT * buckets)));
  const chunk = Math.ceil(P / chunks);
  const segments = buckets * chunks;
  return stream.scope(() => {
    const keys = stream.empty([P], 'u32');
    const starts = stream.empty([buckets + 1], 'u32');
    const cursors = stream.zeros([segments], 'u32');
    const split = { P, chunks, chunk, item_bits: itemBits, pair_bits: pairBits };
    stream.dispatch(count({}), { ids, counts: cursors, ...split }, workgroupsFor(P / PAIRS));
    scan(stream, cursors, segments);
    stream.dispatch(scatter({}), { ids, cursors, order: keys, ...split }, workgroupsFor(P / PAIRS));
    const long = stream.zeros([1 + Math.floor(P / LONG)], 'u32');
    const sorted = { ends: cursors, order: keys, long };
    stream.dispatch(sortSegments({}), { ...sorted, starts, buckets, chunks }, workgroupsFor(segments));
    if (P > LONG) stream.dispatch(sortLong({}), { ...sorted, scratch: stream.empty([P], 'u32') }, SORTING_WORKGROUPS);
    return { keys, starts, count: buckets, itemBits, pairBits };
  });
}

/** Exclusive prefix sum in place: totals of runs, their prefix sums in the same way, then each run from its base. */
function scan(stream: Stream, values: Tensor, n: number): void {
  const runs = Math.ceil(n / RUN);
  if (runs === 1) {
    stream.dispatch(scanRuns({ nested: false }), { values, n }, 1);
    return;
  }
  const sums = stream.empty([runs], 'u32');
  stream.dispatch(totals({}), { values, sums, n }, workgroupsFor(runs));
  scan(stream, sums, runs);
  stream.dispatch(scanRuns({ nested: true }), { values, bases: sums, n }, workgroupsFor(runs));
  stream.release(sums);
}

function workgroupsFor(invocations: number): number {
  return Math.ceil(invocations / WORKGROUP);
}
