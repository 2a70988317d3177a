import type { Gradient } from '../../engine/gradient.js';
import type { Stream } from '../../engine/stream.js';
import { sizeOf, type Tensor } from '../../engine/tensor.js';
import { cellsOf } from '../cells.js';
import { addShares, scatterAdd, sumShares } from '../scatter_add/index.js';
import { type Moved, type RowUpdateOptions, slotsOf, uniformsOf } from './index.js';
import type { Step } from './rule.js';
import { clippedUpdate, WORKGROUP } from './shader.js';

/** A gradient as one tensor, whose norm can be taken. */
export interface WholeGradient {
  /** Of the parameter's shape. */
  readonly dense: Tensor;
  /** [R, 1] 0 for rows that stay as they are; left out where every row moves. */
  readonly touched?: Tensor;
}

/**
 * Both parts of a gradient in one tensor, which lives as long as the scope around it and the gradient do.
 * @param lazy rows that no share names are to stay as they are, if there is no dense part
 */
export function wholeGradient(
  stream: Stream,
  gradient: Gradient,
  shape: readonly number[],
  { lazy = false }: RowUpdateOptions = {},
): WholeGradient {
  const known = gradient.takeDense();
  const rows = gradient.takeRows();
  if (known) {
    addShares(stream, rows, known);
    return { dense: known };
  }
  const dense = stream.empty(shape);
  sumShares(stream, rows, dense);
  if (!lazy) return { dense };
  const touched = stream.zeros([shape[0], 1]);
  const one = stream.upload(Float32Array.of(1), [1, 1]);
  for (const { ids } of rows) scatterAdd(stream, ids, one, touched, { add: true });
  return { dense, touched };
}

/**
 * One step of a rule, in place, by a gradient times clip[0]; none at all where that is 0.
 * @param clip [2] see `clipFactor`
 * @throws GsasError for a step before the first
 */
export function updateClipped(
  stream: Stream,
  step: Step,
  moved: Moved,
  { dense, touched }: WholeGradient,
  clip: Tensor,
): void {
  const { shape } = moved.param;
  const { type, count: cells } = cellsOf(shape[shape.length - 1]);
  const count = (cells * sizeOf(shape)) / shape[shape.length - 1];
  const shader = clippedUpdate({ rule: step.rule.name, cell: type, lazy: touched !== undefined });
  const tensors = { ...slotsOf(step, moved), gradient: dense, clip, ...(touched && { touched }) };
  stream.dispatch(shader, { ...tensors, count, cells, ...uniformsOf(step) }, Math.ceil(count / WORKGROUP));
}
