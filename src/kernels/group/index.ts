import type { Op } from '../../engine/kernel.js';
import type { Stream } from '../../engine/stream.js';
import { sizeOf, type Tensor } from '../../engine/tensor.js';
import { integers } from '../inputs.js';
import { groupReference } from './reference.js';
import { count, PAIRS, RUN, scanRuns, scatter, sortSegments, totals, WORKGROUP } from './shader.js';

const SEGMENT = 8; // pairs that an (item, chunk) segment has on average, at most

/** Pair indices listed by item: those of item r are order[starts[r]] … order[starts[r + 1] - 1], ascending. */
export interface Groups {
  order: Tensor;
  starts: Tensor;
}

/**
 * Groups pairs by item: a counting sort over (item, chunk of consecutive pairs) whose only race, the order within a segment, is undone
 * by sorting the few pairs of each segment. So the result is exact and the same from run to run, with u32 atomics alone.
 * @param ids u32 of any shape, P in all, each below `rows` (not checked: an id beyond makes the result undefined)
 * @returns order [P] and starts [rows + 1], u32; the caller releases them
 */
export function groupByItem(stream: Stream, ids: Tensor, rows: number): Groups {
  const P = sizeOf(ids.shape);
  const chunks = Math.max(1, Math.ceil(P / (SEGMENT * rows)));
  const chunk = Math.ceil(P / chunks);
  const segments = rows * chunks;
  return stream.scope(() => {
    const order = stream.empty([P], 'u32');
    const starts = stream.empty([rows + 1], 'u32');
    const cursors = stream.zeros([segments], 'u32');
    stream.dispatch(count({}), { ids, counts: cursors, P, chunks, chunk }, groups(P / PAIRS));
    scan(stream, cursors, segments);
    stream.dispatch(scatter({}), { ids, cursors, order, P, chunks, chunk }, groups(P / PAIRS));
    stream.dispatch(sortSegments({}), { ends: cursors, order, starts, rows, chunks }, groups(segments));
    return { order, starts };
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
  stream.dispatch(totals({}), { values, sums, n }, groups(runs));
  scan(stream, sums, runs);
  stream.dispatch(scanRuns({ nested: true }), { values, bases: sums, n }, groups(runs));
  stream.release(sums);
}

function groups(invocations: number): number {
  return Math.ceil(invocations / WORKGROUP);
}

/** P pairs on the first `used` of `rows` items. */
interface Case {
  P: number;
  rows: number;
  used: number;
}

export const groupOp: Op<Case> = {
  name: 'group',
  formula: 'order = stable argsort(ids), starts[r] = number of ids below r',
  cases: [
    { P: 1, rows: 1, used: 1 },
    { P: 1, rows: 5, used: 5 },
    { P: 1009, rows: 13, used: 13 },
    { P: 4099, rows: 101, used: 1 },
    { P: 257, rows: 5003, used: 5003 },
    { P: 20011, rows: 331, used: 97 },
  ],
  benchShapes: [
    { P: 3200 * 257, rows: 3418, used: 3417 },
    { P: 12800, rows: 54544, used: 54543 },
  ],
  inputs: ({ P, used }, random) => ({ ids: integers(random, [P], 0, used - 1) }),
  differentiable: [],
  run: ({ stream }, { rows }, { ids }) => ({ ...groupByItem(stream, ids!, rows) }),
  reference: ({ rows }, { ids }) => groupReference(ids as Uint32Array, rows),
  forward: ({ P, rows }) => ({ bytes: 4 * (8 * P + 4 * Math.max(rows, P / SEGMENT)), flops: 0 }),
};
