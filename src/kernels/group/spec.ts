import { integers } from '../inputs.js';
import { defineOp } from '../op.js';
import { groupByItem, SEGMENT } from './index.js';
import { groupReference } from './reference.js';

/** P pairs on the first `used` of `rows` items. */
interface Case {
  P: number;
  rows: number;
  used: number;
}

export const groupOp = defineOp<Case>()({
  name: 'group',
  formula: 'order = stable argsort(ids), starts[r] = number of ids below r',
  cases: [
    { P: 1, rows: 1, used: 1 },
    { P: 1, rows: 5, used: 5 },
    { P: 1009, rows: 13, used: 13 },
    { P: 4099, rows: 101, used: 1 },
    { P: 2311, rows: 3, used: 2 },
    { P: 257, rows: 5003, used: 5003 },
    { P: 20011, rows: 331, used: 97 },
  ],
  benchShapes: [
    { P: 3200 * 257, rows: 3418, used: 3417 },
    { P: 12800, rows: 54544, used: 54543 },
  ],
  inputs: ({ P, used }, random) => ({ ids: integers(random, [P], 0, used - 1) }),
  differentiable: [],
  run: ({ stream }, { rows }, { ids }) => ({ ...groupByItem(stream, ids, rows) }),
  reference: ({ rows }, { ids }) => groupReference(ids, rows),
  cost: {
    forward: ({ P, rows }) => ({ bytes: 4 * (8 * P + 4 * Math.max(rows, P / SEGMENT)), flops: 0 }),
  },
});
