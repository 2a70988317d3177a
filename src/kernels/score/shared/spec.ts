import { tableOf } from '../../../engine/table.js';
import { defineOp, type Op } from '../../op.js';
import type { Judge } from '../judge.js';
import { type JudgedCase, judgedInputs, judgedReference, verdictOf } from '../judges/cases.js';
import { JUDGES } from '../judges/index.js';
import type { Correction } from '../log-q.js';
import { scoreShared } from './index.js';
import { cut, type Sharers, uploadLists, widthOf } from './lists.js';

/**
 * `sharers`: how many tokens share each list, T in all. A list has k candidates or, with `short`, fewer, and the first none. `others`: a candidate that is the positive does not
 * count. `held`: scores in memory at one time.
 */
interface Case extends JudgedCase {
  sharers: readonly number[];
  k: number;
  short?: boolean;
  others?: boolean;
  held?: number;
  logQ?: Correction;
  options?: Readonly<Record<string, unknown>>;
}

/** Every judge on candidates that tokens share. */
export const sharedOps: readonly Op[] = Object.values(JUDGES).map(sharedOp);

/** The corrections that a judge goes with. */
function correctionsOf({ logQ }: Judge): Correction[] {
  return (['standard', 'corrected'] as const).filter((each) => logQ?.[each] === true);
}

/** The log of how often an item is drawn: anything that differs between items. */
function logDrawsOf(id: number): number {
  return -0.1 * (id % 13);
}

/** The lists of a case, whose tokens may be cut: pieces of a list's tokens have the same. */
function pieces({ sharers, k, held }: Case): (Sharers & { list: number })[] {
  let end = 0;
  return sharers.flatMap((tokens, list) => {
    const start = end;
    end += tokens;
    return cut([{ start, end }], widthOf(k), held).map((piece) => ({ ...piece, list }));
  });
}

function sharedOp(judge: Judge): Op {
  return defineOp<Case>()({
    name: `shared_${judge.name}`,
    formula: `sum over t of scale w[t] (${judge.formula}), s = h[t] . table[id], the candidates those of a list that tokens share`,
    cases: [
      { T: 1, sharers: [1], k: 1, D: 1, N: 2 },
      { T: 13, sharers: [3, 9, 1], k: 3, D: 7, N: 5 },
      { T: 37, sharers: [37], k: 65, D: 24, N: 101 },
      { T: 19, sharers: [19], k: 65, D: 24, N: 31, others: true },
      { T: 25, sharers: [7, 1, 17], k: 130, D: 12, N: 211, weighted: true, scale: 0.25 },
      { T: 25, sharers: [7, 1, 17], k: 7, D: 12, N: 19, short: true, others: true },
      { T: 87, sharers: [20, 66, 1], k: 30, D: 20, N: 90, held: 64 * 64, weighted: true }, // in 4 pieces, some of them together
      { T: 30, sharers: [11, 19], k: 3, D: 8, N: 1009 }, // more rows in the table than in the lists
      ...correctionsOf(judge).map((logQ) => ({ T: 27, sharers: [9, 18], k: 20, D: 12, N: 31, others: true, logQ })),
      ...(judge.trials ?? []).map((options) => ({ T: 7, sharers: [3, 4], k: 6, D: 8, N: 23, options })),
    ],
    benchShapes: [
      { T: 3200, sharers: Array<number>(32).fill(100), k: 3000, D: 128, N: 3416 },
      { T: 1000, sharers: Array<number>(125).fill(8), k: 3000, D: 64, N: 54_542 },
      { T: 3200, sharers: [3200], k: 256, D: 128, N: 3416 },
    ],
    inputs(shape, random) {
      const { k, N, sharers, short } = shape;
      const W = widthOf(k);
      const all = Uint32Array.from({ length: sharers.length * W }, (_, i) => {
        const none = i % W >= k || (short && (i < W || random.uniform() < 0.3));
        return none ? 0 : 1 + random.integer(N);
      });
      const lists = pieces(shape).map(({ list }) => [...all.subarray(list * W, (list + 1) * W)]);
      const judged = judgedInputs(shape, random);
      return {
        ...judged,
        candidates: { shape: [lists.length, W], data: Uint32Array.from(lists.flat()) },
        ...(shape.logQ && {
          logDraws: { shape: [lists.length, W], data: Float32Array.from(lists.flat(), logDrawsOf) },
        }),
        ...(shape.logQ === 'standard' && {
          positiveLogDraws: { shape: [shape.T], data: Float32Array.from(judged.targets.data, logDrawsOf) },
        }),
      };
    },
    differentiable: ['h', 'table'],
    terminal: true,
    run(tape, shape, { h, table, targets, candidates, ...corrections }) {
      const { k, D, N, held, others, scale } = shape;
      const sizes = { size: k, D, ...(held && { held }) };
      const lists = uploadLists(tape.stream, pieces(shape), sizes, () => tape.stream.view(candidates));
      return {
        loss: scoreShared(tape, h, tableOf(table), targets, {
          ...{ verdict: verdictOf(judge, shape), lists: { ...lists, ...corrections }, numItems: N },
          ...(others && { others }),
          ...(scale !== undefined && { scale }),
        }),
      };
    },
    reference(shape, { candidates, logDraws: _, positiveLogDraws: __, ...inputs }) {
      const W = widthOf(shape.k);
      const listOf = pieces(shape).flatMap(({ start, end }, list) => Array<number>(end - start).fill(list));
      const candidatesOf = (t: number, positive: number) =>
        candidates
          .subarray(listOf[t] * W, (listOf[t] + 1) * W)
          .filter((id) => id !== 0 && !(shape.others && id === positive));
      return {
        loss: judgedReference(verdictOf(judge, shape), shape, inputs, candidatesOf, {
          k: shape.k,
          ...(shape.logQ && { logQ: shape.logQ, logDrawsOf: (_, id) => Math.fround(logDrawsOf(id)) }),
        }),
      };
    },
    cost: {
      forward: ({ T, sharers, k, D }) => ({ bytes: 4 * (T * D + sharers.length * k * D), flops: 2 * T * k * D }),
      backward: ({ T, sharers, k, D, N }) => ({
        bytes: 4 * (3 * T * D + (2 * sharers.length * k + N) * D),
        flops: 4 * T * k * D,
      }),
    },
  });
}
