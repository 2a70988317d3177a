import type { Op } from '../../engine/kernel.js';
import type { Tape } from '../../engine/tape.js';
import { checkShapes, type Tensor } from '../../engine/tensor.js';
import { cellsOf } from '../cells.js';
import { columnSumInto } from '../column_sum/index.js';
import { normals } from '../inputs.js';
import { teamGroups, teamOf } from '../team.js';
import { layerNormReference } from './reference.js';
import { backwardAffine, backwardInput, forward } from './shader.js';

const ROWS = 64; // rows a chunk of the affine gradients' first stage

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
  stream.dispatch(forward({ D, team }), { x, weight, bias, y, stats, T }, teamGroups(team, T));
  tape.record({
    inputs: [x, weight, bias],
    outputs: [y],
    saved: [stats],
    backward() {
      const dy = tape.gradient(y);
      tape.contribute(x, (dx, add) => {
        stream.dispatch(backwardInput({ D, team, add }), { x, weight, stats, dy, dx, T }, teamGroups(team, T));
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

export const layerNormOp: Op<{ T: number; D: number }> = {
  name: 'layer_norm',
  formula: 'y = (x - mean) / sqrt(var + 1e-5) * weight + bias (Ba, Kiros, Hinton 2016, eq. 4)',
  cases: [
    { T: 1, D: 1 },
    { T: 3, D: 7 },
    { T: 131, D: 24 },
    { T: 70, D: 130 },
  ],
  benchShapes: [
    { T: 3200, D: 64 },
    { T: 12800, D: 128 },
  ],
  inputs: ({ T, D }, random) => ({
    x: normals(random, [T, D]),
    weight: normals(random, [D]),
    bias: normals(random, [D]),
  }),
  differentiable: ['x', 'weight', 'bias'],
  run: (tape, _, { x, weight, bias }) => ({ y: layerNorm(tape, x!, weight!, bias!) }),
  reference: ({ T, D }, { x, weight, bias }) => ({
    y: layerNormReference(x as Float64Array, weight as Float64Array, bias as Float64Array, T, D),
  }),
  forward: ({ T, D }) => ({ bytes: 4 * (2 * T * D + 2 * T + 2 * D), flops: 8 * T * D }),
  backward: ({ T, D }) => ({ bytes: 4 * (5 * T * D + 4 * T + 3 * D), flops: 16 * T * D }),
};
