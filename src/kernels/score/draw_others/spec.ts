import { CASE_RANDOM, defineOp } from '../../op.js';
import { drawOthers } from './index.js';
import { drawOthersReference } from './reference.js';

/** `own`: how many items of its own each sequence has. */
interface Case {
  own: readonly number[];
  k: number;
  W: number;
  N: number;
  replaced: boolean;
}

const withAndWithout = (shapes: readonly Omit<Case, 'replaced'>[]): Case[] =>
  [true, false].flatMap((replaced) => shapes.map((shape) => ({ ...shape, replaced })));

export const drawOthersOp = defineOp<Case>()({
  name: 'draw_others',
  formula:
    'ids[g, j] = an item not in sequence g, every one equally likely; without replacement number j of them under a permutation (Black, Rogaway 2002: generalised Feistel network with cycle walking)',
  cases: withAndWithout([
    { own: [1], k: 1, W: 4, N: 2 },
    { own: [2, 1, 0], k: 3, W: 4, N: 2 }, // the first sequence has all items
    { own: [3, 0, 17, 1], k: 21, W: 64, N: 23 },
    { own: [40, 5], k: 130, W: 192, N: 1009 },
    { own: [100, 100], k: 67, W: 128, N: 1_000_003 },
  ]),
  benchShapes: withAndWithout([{ own: Array<number>(128).fill(60), k: 3000, W: 3008, N: 3416 }]),
  inputs({ own, N }, random) {
    const lists = own.map((count) => {
      const items = new Set<number>();
      while (items.size < count) items.add(1 + random.integer(N));
      return [...items].sort((a, b) => a - b);
    });
    const starts = [0];
    for (const items of lists) starts.push(starts[starts.length - 1] + items.length);
    const data = Uint32Array.from([...lists.flat(), 0]); // never empty
    return {
      own: { shape: [data.length], data },
      starts: { shape: [starts.length], data: Uint32Array.from(starts) },
      keys: { shape: [own.length], data: Uint32Array.from(own, () => random.integer(100_000)) },
    };
  },
  differentiable: [],
  run: ({ stream }, { k, W, N, replaced }, inputs) => ({
    ids: drawOthers(stream, inputs, { k, W, numItems: N, replaced }),
  }),
  reference({ k, W, N, replaced }, { own, starts, keys }) {
    const lists = Array.from(keys, (_, g) => own.subarray(starts[g], starts[g + 1]));
    return { ids: drawOthersReference(CASE_RANDOM, { own: lists, keys }, { k, W, numItems: N, replaced }) };
  },
  cost: {
    forward: ({ own, W }) => ({ bytes: 4 * own.length * W, flops: 0 }),
  },
});
