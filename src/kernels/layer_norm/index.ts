import type { Tape } from '../../engine/tape.js';
import { checkShapes, type Tensor } from '../../engine/tensor.js';
import { cellsOf } from '../cells.js';
import { columnSumInto } from '../column_sum/index.js';
import { teamOf, teamWorkgroups } from '../team.js';
import { backwardAffine, backwardInput, forward } from './shader.js';

const ROWS = 64; // rows per chunk in the first stage of the affine gradients

/**
 * Layer normalisation over the last axis, eps 1e-5.
 * @param x [T, D]
 * @param weight [D]
 * @param bias [D]
 * @returns [T, D]
 * @throws ShapeError when an axis disagrees
 */
export function layerNorm(tape: Tape, x: Tensor, weight: Tensor, bias: Tensor): Tensor {
  const { T, D } = checkShapes('layer_norm', { x: [x, 'T', 'D'], weight: [weight, 'D'], bias: [bias, 'D'] });
  const { stream } = tape;
  const team = teamOf(stream.gpu.capabilities);
  const y = stream.empty([T, D]);
  const stats = stream.empty([T, 2]);
  stream.dispatch(forward({ D, team }), { x, weight, bias, y, stats, T }, teamWorkgroups(team, T));
  tape.record({
    inputs: [x, weight, bias],
    outputs: [y],
    saved: [stats],
    backward() {
      const dy = tape.gradient(y);
      tape.contribute(x, (dx, add) => {
        stream.dispatch(backwardInput({ D, team, add }), { x, weight, stats, dy, dx, T }, teamWorkgroups(team, T));
      });
      if (!tape.needsGradient(weight) && !tape.needsGradient(bias)) return;
      const chunks = Math.ceil(T / ROWS);
      const dweight = stream.empty([chunks, D]);
      const dbias = stream.empty([chunks, D]);
      const affine = backwardAffine({ D, rows: ROWS, workgroup: Math.min(64, cellsOf(D).count) });
      stream.dispatch(affine, { x, stats, dy, dweight, dbias, T }, [chunks, 1]);
      tape.contribute(weight, (out, add) => columnSumInto(stream, dweight, out, add));
      tape.contribute(bias, (out, add) => columnSumInto(stream, dbias, out, add));
      stream.release(dweight);
      stream.release(dbias);
    },
  });
  return y;
}
