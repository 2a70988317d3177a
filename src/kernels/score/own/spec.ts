import { tableOf } from '../../../engine/table.js';
import { integers } from '../../inputs.js';
import { defineOp, type Op } from '../../op.js';
import type { Judge } from '../judge.js';
import { type JudgedCase, judgedInputs, judgedReference, verdictOf } from '../judges/cases.js';
import { JUDGES } from '../judges/index.js';
import type { Correction, LogQ } from '../log-q.js';
import { drawnCandidates } from '../sampler.js';
import { idsOf, logDrawsIn, OTHER_SAMPLERS, samplerOf, sourceOf } from '../samplers/cases.js';
import { givenCandidates } from '../samplers/given.js';
import { DRAWING } from '../samplers/index.js';
import { scoreOwn } from './index.js';

/**
 * `given`: the candidates are read, else drawn by `sampler`, which is uniform if left out. `options`: keys of the configuration that are not at their
 * defaults.
 */
interface Case extends JudgedCase {
  k: number;
  given?: boolean;
  sampler?: string;
  options?: Readonly<Record<string, unknown>>;
  logQ?: LogQ;
}

/** Every judge on own candidates of every sampler. */
export const ownOps: readonly Op[] = Object.values(JUDGES).map(ownOp);

function ownOp(judge: Judge): Op {
  const verdictIn = (shape: Case) => verdictOf(judge, { ...shape, varies: varies(shape) });
  return defineOp<Case>()({
    name: `sampled_${judge.name}`,
    formula: `sum over t of scale w[t] (${judge.formula}), s = h[t] . table[id]`,
    cases: [
      { T: 1, k: 1, D: 1, N: 2 },
      { T: 13, k: 3, D: 7, N: 5 },
      { T: 131, k: 64, D: 24, N: 101 },
      { T: 11, k: 257, D: 130, N: 367 },
      { T: 5, k: 33, D: 128, N: 1009, given: true },
      { T: 3, k: 1, D: 7, N: 11, given: true },
      { T: 9, k: 70, D: 32, N: 40_009 }, // beyond CACHED_BYTES, as the next
      { T: 5, k: 34, D: 19, N: 60_013, given: true },
      { T: 17, k: 5, D: 12, N: 31, weighted: true, scale: 0.25 },
      { T: 9, k: 37, D: 20, N: 31, weighted: true, given: true },
      ...(judge.trials ?? []).map((options) => ({ T: 7, k: 6, D: 8, N: 23, options })),
      ...OTHER_SAMPLERS.map((sampler) => ({ T: 19, k: 37, D: 12, N: 31, sampler })),
      ...correctionsOf(judge).map((corrected) => ({ T: 23, k: 41, D: 12, N: 31, ...corrected })),
    ],
    benchShapes: [
      { T: 3200, k: 256, D: 128, N: 3416 },
      { T: 2900, k: 32, D: 64, N: 3416 },
      { T: 1000, k: 256, D: 64, N: 54_542 },
    ],
    inputs: (shape, random) => ({
      ...judgedInputs(shape, random),
      ...(shape.given && { candidates: integers(random, [shape.T, shape.k], 1, shape.N) }),
      ...(!shape.given && sourceOf(shape)),
    }),
    differentiable: ['h', 'table'],
    terminal: true,
    run: (tape, shape, { h, table, targets, candidates, source }) => ({
      loss: scoreOwn(tape, h, tableOf(table), targets, {
        verdict: verdictIn(shape),
        candidates: candidates
          ? givenCandidates(candidates)
          : drawnCandidates(samplerOf(shape), shape.k, shape.N, { source }),
        ...(shape.logQ && { logQ: shape.logQ }),
        ...(shape.scale !== undefined && { scale: shape.scale }),
      }),
    }),
    reference(shape, { candidates, source, ...inputs }) {
      const ids = candidates ?? idsOf(shape, source);
      const idsOfToken = (t: number) => ids.subarray(t * shape.k, (t + 1) * shape.k);
      return {
        loss: judgedReference(verdictIn(shape), shape, inputs, idsOfToken, {
          ...(shape.logQ && { logQ: shape.logQ }),
          ...((shape.logQ || varies(shape)) && { logDrawsOf: logDrawsIn(shape, source) }),
        }),
      };
    },
    cost: {
      forward: ({ T, k, D }) => ({ bytes: 4 * (T * (k + 1) * (D + 2) + 2 * T * D), flops: 4 * T * (k + 1) * D }),
      backward: ({ T, k, D, N }) => ({
        bytes: 4 * (T * (k + 1) * (D + 2) + 2 * T * D + N * D),
        flops: 2 * T * (k + 1) * D,
      }),
    },
  });
}

function varies(shape: Case): boolean {
  return !shape.given && samplerOf(shape).varies === true;
}

/** Every sampler with every correction of scores that it and the judge go with. */
function correctionsOf({
  logQ = { standard: 'none', corrected: 'none' },
}: Judge): { sampler: string; logQ: Correction }[] {
  const corrections = ['standard', 'corrected'] as const;
  return Object.values(DRAWING).flatMap((sampler) =>
    corrections
      .filter((each) => logQ[each] === true && sampler.corrections[each] === true)
      .map((each) => ({ sampler: sampler.name, logQ: each })),
  );
}
