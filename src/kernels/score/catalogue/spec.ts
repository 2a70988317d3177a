import { tableOf } from '../../../engine/table.js';
import { defineOp, type Op } from '../../op.js';
import type { Judge, Verdict } from '../judge.js';
import { type JudgedCase, judgedInputs, judgedReference, verdictOf } from '../judges/cases.js';
import { JUDGES } from '../judges/index.js';
import { scoreCatalogue } from './index.js';

/** `held`: scores in memory at one time. */
interface Case extends JudgedCase {
  held?: number;
}

/** Every judge over the whole catalogue. */
export const catalogueOps: readonly Op[] = Object.values(JUDGES).map(catalogueOp);

function catalogueOp(judge: Judge): Op {
  const verdict = ({ N }: Case): Verdict => verdictOf(judge, { k: N - 1, N });
  return defineOp<Case>()({
    name: `catalogue_${judge.name}`,
    formula: `sum over t of scale w[t] (${judge.formula}), s = h[t] . table[item], the candidates all items but the target`,
    cases: [
      { T: 1, D: 1, N: 2 },
      { T: 13, D: 7, N: 5 },
      { T: 131, D: 24, N: 101 },
      { T: 70, D: 12, N: 62, weighted: true, scale: 0.25 },
      { T: 131, D: 12, N: 201, held: 64 * 64 }, // 3 tiles of tokens by 4 of items
      { T: 65, D: 33, N: 130, held: 64 * 64, weighted: true },
      { T: 150, D: 8, N: 61, held: 64 * 64 }, // 3 tiles of tokens by 1 of items
    ],
    benchShapes: [
      { T: 3200, D: 128, N: 3416 },
      { T: 1000, D: 64, N: 54_542 },
    ],
    inputs: judgedInputs,
    differentiable: ['h', 'table'],
    terminal: true,
    run: (tape, shape, { h, table, targets }) => ({
      loss: scoreCatalogue(tape, h, tableOf(table), targets, {
        verdict: verdict(shape),
        numItems: shape.N,
        ...(shape.scale !== undefined && { scale: shape.scale }),
        ...(shape.held !== undefined && { held: shape.held }),
      }),
    }),
    reference: (shape, inputs) => ({
      loss: judgedReference(verdict(shape), shape, inputs, (_, positive) => othersOf(positive, shape.N)),
    }),
    cost: {
      forward: ({ T, D, N }) => ({ bytes: 4 * (T * D + N * D), flops: 2 * T * N * D }),
      backward: ({ T, D, N }) => ({ bytes: 4 * (3 * T * D + 2 * N * D), flops: 4 * T * N * D }),
    },
  });
}

/** All other items in ascending order. @returns [N - 1] */
function othersOf(positive: number, N: number): Uint32Array {
  const others = new Uint32Array(N - 1);
  for (let j = 0; j < others.length; j++) others[j] = j + 1 < positive ? j + 1 : j + 2;
  return others;
}
