import { GsasError } from '../../base/errors.js';
import { settingsOf } from '../../base/options.js';
import type { Gradient, RowShare } from '../../engine/gradient.js';
import type { Stream } from '../../engine/stream.js';
import { checkShapes, sizeOf, type Tensor } from '../../engine/tensor.js';
import { cellsOf } from '../cells.js';
import { groupByItem, groupInBuckets } from '../group/index.js';
import { addShares } from '../scatter_add/index.js';
import { arrangePairs, joinShares, layoutOf } from '../scatter_add/pairs.js';
import { teamWorkgroups } from '../team.js';
import type { Step } from './rule.js';
import { allRowsUpdate, denseUpdate, lazyUpdate, WORKGROUP } from './shader.js';

/** What a rule updates: a parameter and the rule's slots by name, all of one shape. */
export type Moved = Readonly<Record<string, Tensor>> & { readonly param: Tensor };

export interface RowUpdateOptions {
  /** Rows that no share names stay unchanged. */
  lazy?: boolean;
}

/**
 * One step of a rule, in place, with a parameter's whole gradient, which it ends. If there is a dense part, row shares are added to it first and every row
 * is updated, because a dense gradient concerns every row.
 * @param moved of the gradient's shape
 * @throws ShapeError when the shapes disagree; GsasError for a step before the first
 */
export function applyUpdate(
  stream: Stream,
  step: Step,
  moved: Moved,
  gradient: Gradient,
  options: RowUpdateOptions = {},
): void {
  const dense = gradient.takeDense();
  const rows = gradient.takeRows();
  if (dense) {
    addShares(stream, rows, dense);
    updateDense(stream, step, moved, dense);
  } else if (rows.length > 0) {
    updateRows(stream, step, moved, rows, options);
  }
  gradient.end();
}

/**
 * One step of a rule, in place, on a whole tensor.
 * @param moved the parameter and the slots
 * @param gradient of their shape
 * @throws ShapeError when the shapes disagree; GsasError for a step before the first
 */
export function updateDense(stream: Stream, step: Step, moved: Moved, gradient: Tensor): void {
  const { param } = moved;
  const axes = param.shape.map((_, i) => `n${i}`);
  const tensors = { ...slotsOf(step, moved), gradient };
  checkShapes(step.rule.name, Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, [t, ...axes]])));
  const { type, count } = cellsOf(sizeOf(param.shape));
  const shader = denseUpdate({ rule: step.rule.name, cell: type });
  stream.dispatch(shader, { ...tensors, count, ...uniformsOf(step) }, Math.ceil(count / WORKGROUP));
}

/**
 * One step of a rule, in place, on a table whose gradient comes by rows: each row is summed and moved at once, and the gradient is never
 * written. To the bits of `scatterAdd` and `updateDense` where there is one share; several are summed as one.
 *
 * With `lazy` the rows that the shares name move as they would in a dense step, all others keep their parameters and slots, in time that
 * does not grow with R: torch.optim.SparseAdam and TensorFlow's LazyAdam where the rule is Adam. Dense Adam also moves a row whose gradient is
 * zero, along its decaying first moment. Lazy Adam leaves that out, and a row's moments then average over the steps that touched it: its step
 * does not fade between visits, and v does not forget a rare item's gradients before the next ones arrive. It is another optimizer, not an
 * approximation that vanishes: right for a catalogue of which a batch sees little, and not for numbers that are to equal the
 * official code's. Where every row is touched at every step, the two are the same bits; for a rule without slots they always are.
 * @param moved the parameter and the slots, all [R, D]
 * @param shares their sum is the gradient
 * @throws ShapeError when the shapes disagree; GsasError for no shares, or a step before the first
 */
export function updateRows(
  stream: Stream,
  step: Step,
  moved: Moved,
  shares: readonly RowShare[],
  { lazy = false }: RowUpdateOptions = {},
): void {
  const op = `scatter_${step.rule.name}`;
  if (shares.length === 0) throw new GsasError(`${op}: there are no shares to sum`);
  const tensors = slotsOf(step, moved);
  const uniforms = uniformsOf(step);
  stream.scope(() => {
    const pairs = joinShares(stream, op, shares);
    const R = moved.param.shape[0];
    const operands = Object.entries(tensors).map(([name, tensor]) => [name, [tensor, 'R', 'D']] as const);
    checkShapes(op, { source: [pairs.source, 'Q', 'D'], ...Object.fromEntries(operands) });
    const layout = layoutOf(stream, pairs);
    const constants = { ...layout, rule: step.rule.name };
    if (lazy) {
      const { keys, starts, count, itemBits, pairBits } = groupInBuckets(stream, pairs.ids, R);
      const groups = { starts, buckets: count, item_bits: itemBits, pair_bits: pairBits };
      const args = { ...arrangePairs(stream, pairs, keys, pairBits), ...groups, ...tensors, ...uniforms };
      stream.dispatch(lazyUpdate(constants), args, teamWorkgroups(layout, count));
    } else {
      const { order, starts } = groupByItem(stream, pairs.ids, R);
      const args = { ...arrangePairs(stream, pairs, order, 32), starts, R, ...tensors, ...uniforms };
      stream.dispatch(allRowsUpdate(constants), args, teamWorkgroups(layout, R));
    }
  });
}

/** The parameter and the rule's slots. @throws GsasError where one is missing */
export function slotsOf({ rule }: Step, moved: Moved): Record<string, Tensor> {
  return Object.fromEntries(
    ['param', ...rule.slots].map((name) => {
      if (!moved[name]) throw new GsasError(`${rule.name}: the slot ${name} is missing`);
      return [name, moved[name]];
    }),
  );
}

/** @throws GsasError for a step before the first */
export function uniformsOf({ rule, settings, step }: Step): Record<string, number> {
  if (step < 1) throw new GsasError(`${rule.name}: step is ${step}, but steps are counted from 1`);
  return rule.uniforms({ ...settingsOf(rule), ...settings }, step);
}
