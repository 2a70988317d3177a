import { settingsOf } from '../../base/options.js';
import type { HostRandom } from '../../base/philox.js';
import type { RowShare } from '../../engine/gradient.js';
import type { Shape, Tensor } from '../../engine/tensor.js';
import { integers, normals, squares } from '../inputs.js';
import { defineOp, type Op, type Operand } from '../op.js';
import { scatterAddReference } from '../scatter_add/reference.js';
import { type Moved, updateDense, updateRows } from './index.js';
import { lazyReference } from './reference.js';
import type { RuleState, UpdateRule } from './rule.js';
import { RULES } from './rules/index.js';

/** Every rule, on a whole tensor and by rows. */
export const updateOps: readonly Op[] = Object.values(RULES).flatMap((rule) => [denseOp(rule), rowsOp(rule)]);

/** A parameter and a rule's slots at some step: 0 before the first, else not negative, as a second moment must be. */
function stateInputs({ slots }: UpdateRule, step: number, shape: Shape, random: HostRandom) {
  const state: Record<string, Operand<Float32Array>> = { param: normals(random, shape) };
  for (const slot of slots) state[slot] = squares(random, shape, step === 1 ? 0 : 0.1);
  return state;
}

function movedOf({ slots }: UpdateRule, inputs: Record<string, Tensor>): Moved {
  return { param: inputs.param, ...Object.fromEntries(slots.map((slot) => [slot, inputs[slot]])) };
}

function denseOp(rule: UpdateRule): Op {
  return defineOp<{ rows: number; columns: number; step: number; lr?: number }>()({
    name: rule.name,
    formula: rule.formula,
    cases: [
      { rows: 1, columns: 1, step: 1 },
      { rows: 61, columns: 7, step: 5, lr: 0.3 },
      { rows: 67, columns: 4, step: 100_000, lr: 0.3 },
      { rows: 5, columns: 129, step: 2 },
    ],
    benchShapes: [
      { rows: 3418, columns: 128, step: 10 },
      { rows: 54_544, columns: 128, step: 10 },
    ],
    inputs: ({ rows, columns, step }, random) => ({
      ...stateInputs(rule, step, [rows, columns], random),
      gradient: normals(random, [rows, columns]),
    }),
    differentiable: [],
    run: ({ stream }, { step, lr }, inputs: Record<string, Tensor>): Record<string, Tensor> => {
      const moved = movedOf(rule, inputs);
      updateDense(stream, { rule, step, ...(lr && { settings: { lr } }) }, moved, inputs.gradient);
      return moved;
    },
    reference: ({ step, lr }, inputs: RuleState): RuleState =>
      rule.reference(inputs, { ...settingsOf(rule), ...(lr && { lr }) }, step),
    cost: {
      forward: ({ rows, columns }) => ({
        bytes: 4 * (3 + 2 * rule.slots.length) * rows * columns,
        flops: rule.flops * rows * columns,
      }),
    },
  });
}

/** Q rows, each for `share` weighted pairs, and `plain` rows for a pair each, on `used` of R items. */
interface RowsCase {
  Q: number;
  share: number;
  plain: number;
  D: number;
  R: number;
  used: number;
  step: number;
  lazy?: boolean;
}

function rowsOp(rule: UpdateRule): Op {
  return defineOp<RowsCase>()({
    name: `scatter_${rule.name}`,
    formula: `${rule.formula}, the gradient summed by rows on the way; lazy: only rows that pairs name`,
    cases: [
      { Q: 1, share: 1, plain: 0, D: 1, R: 1, used: 1, step: 1, lazy: true },
      { Q: 1, share: 1, plain: 1, D: 3, R: 5003, used: 5003, step: 2, lazy: true },
      { Q: 37, share: 3, plain: 0, D: 24, R: 1009, used: 700, step: 5, lazy: true },
      { Q: 37, share: 3, plain: 13, D: 7, R: 11, used: 7, step: 3, lazy: true },
      { Q: 59, share: 257, plain: 701, D: 12, R: 20_011, used: 3, step: 7, lazy: true },
      { Q: 211, share: 9, plain: 0, D: 130, R: 40_009, used: 40_009, step: 100_000, lazy: true },
      { Q: 1, share: 1, plain: 0, D: 3, R: 7, used: 7, step: 1 },
      { Q: 37, share: 3, plain: 13, D: 24, R: 1009, used: 700, step: 5 },
      { Q: 59, share: 257, plain: 701, D: 12, R: 211, used: 3, step: 7 },
      { Q: 23, share: 9, plain: 0, D: 130, R: 67, used: 67, step: 100_000 },
    ],
    benchShapes: [
      { Q: 3700, share: 257, plain: 0, D: 32, R: 1_000_002, used: 1_000_001, step: 10, lazy: true },
      { Q: 3700, share: 257, plain: 3700, D: 64, R: 100_002, used: 100_001, step: 10, lazy: true },
      { Q: 980, share: 257, plain: 0, D: 64, R: 54_544, used: 54_543, step: 10 },
    ],
    inputs: ({ Q, share, plain, D, R, used, step }, random) => ({
      ids: integers(random, [Q, share], R - used, R - 1),
      x: normals(random, [Q, D]),
      weights: normals(random, [Q, share]),
      ...(plain > 0 && { plainIds: integers(random, [plain], 0, used - 1), plainX: normals(random, [plain, D]) }),
      ...(stateInputs(rule, step, [R, D], random) as { param: Operand<Float32Array> }),
    }),
    differentiable: [],
    run: (
      { stream },
      { step, lazy = false },
      { ids, x, weights, plainIds, plainX, ...state },
    ): Record<string, Tensor> => {
      const shares: RowShare[] = [{ ids, source: x, weights }];
      if (plainIds && plainX) shares.unshift({ ids: plainIds, source: plainX });
      const moved = movedOf(rule, state);
      updateRows(stream, { rule, step }, moved, shares, { lazy });
      return moved;
    },
    reference: ({ D, R, share, step, lazy }, { ids, x, weights, plainIds, plainX, ...state }): RuleState => {
      const gradient = new Float64Array(R * D);
      scatterAddReference(ids, weights, x, gradient, D, share);
      if (plainIds && plainX) scatterAddReference(plainIds, undefined, plainX, gradient, D);
      if (!lazy) return rule.reference({ ...state, gradient }, settingsOf(rule), step);
      const touched = new Set([...ids, ...(plainIds ?? [])]);
      return lazyReference(rule, { ...state, gradient }, touched, D, step);
    },
    cost: {
      forward: ({ Q, share, plain, D, R, lazy }) => {
        const pairs = Q * share + plain;
        const touched = lazy ? R * (1 - (1 - 1 / R) ** pairs) : R; // of ids drawn uniformly
        return {
          bytes: 4 * (pairs * (D + 2) + 2 * (1 + rule.slots.length) * D * touched),
          flops: 2 * pairs * D + rule.flops * D * touched,
        };
      },
    },
  });
}
