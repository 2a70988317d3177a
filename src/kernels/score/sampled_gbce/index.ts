import { CASE_RANDOM, type Op } from '../../../engine/kernel.js';
import type { Tape } from '../../../engine/tape.js';
import { checkShapes, sizeOf, type Tensor } from '../../../engine/tensor.js';
import { addInto } from '../../add/index.js';
import { columnSumInto } from '../../column_sum/index.js';
import { integers, normals } from '../../inputs.js';
import { contributeScatter } from '../../scatter_add/index.js';
import { teamGroups, teamOf } from '../../team.js';
import { drawUniforms, negativesOf } from '../negatives/draw.js';
import { sampledGbceReference } from './reference.js';
import { subgroups, workgroups } from './shader.js';

/** Tables of more bytes than this are not in a CPU core's own cache, and reading a row means waiting for it. */
const CACHED_BYTES = 4 * 2 ** 20;

export interface SampledGbceOptions {
  /** gBCE's power of the positive's probability, above 0; 1 is plain binary cross entropy. */
  beta: number;
  /** N: negatives are drawn from 1 … N. */
  numItems: number;
  /** k, drawn by `negativesOf` under the stream's random state; or the ids themselves, [T, k] u32. */
  negatives: number | Tensor;
}

/**
 * Scores the positive and the k negatives of each token and takes the gBCE loss (Petrov and Macdonald, RecSys 2023): mean over tokens of
 * (beta softplus(-s+) + sum_j softplus(s_j)) / (k + 1), s = h[t] . table[id]. One kernel visits each row of the table once, for the
 * loss and both gradients; the negatives' rows are never gathered in memory.
 * Negatives may repeat or equal the positive, as in the paper's sampling.
 * @param h [T, D]
 * @param table [N + 2, D]
 * @param targets [T] u32, ids of the positives (not checked)
 * @returns [1], the root of the backward
 * @throws ShapeError when an axis disagrees
 */
export function sampledGbce(
  tape: Tape,
  h: Tensor,
  table: Tensor,
  targets: Tensor,
  { beta, numItems, negatives }: SampledGbceOptions,
): Tensor {
  const given = typeof negatives !== 'number';
  const { T, D } = checkShapes('sampled_gbce', {
    h: [h, 'T', 'D'],
    table: [table, numItems + 2, 'D'],
    targets: [targets, 'T'],
    ...(given ? { negatives: [negatives, 'T', 'k'] as const } : {}),
  });
  const { stream } = tape;
  const k = given ? negatives.shape[1] : negatives;
  const gradients = tape.needsGradient(h) || tape.needsGradient(table);
  const losses = stream.empty([T, 1]);
  const outputs = gradients
    ? { dh: stream.empty([T, D]), ds: stream.empty([T, k + 1]), ids: stream.empty([T, k + 1], 'u32') }
    : undefined;

  const team = teamOf(stream.gpu.capabilities);
  const ahead = team.subgroups && stream.gpu.capabilities.software && 4 * sizeOf(table.shape) > CACHED_BYTES;
  const shader = (team.subgroups ? subgroups : workgroups)({ D, team, given, gradients, ahead });
  const source = given ? { negatives } : { items: numItems, ...drawUniforms(stream.random) };
  const scale = 1 / (T * (k + 1));
  const args = { h, table, targets, losses, ...outputs, ...source, T, k, beta, scale };
  stream.dispatch(shader, args, teamGroups(team, T));
  const loss = stream.empty([1]);
  columnSumInto(stream, losses, loss);
  stream.release(losses);

  if (!outputs) return loss;
  const { dh, ds, ids } = outputs;
  tape.record({
    inputs: [h, table],
    outputs: [loss],
    saved: [dh, ds, ids],
    backward() {
      tape.contribute(h, (gradient, add) => (add ? addInto(stream, dh, gradient) : stream.copy(dh, gradient)));
      contributeScatter(tape, table, { ids, source: h, weights: ds });
    },
  });
  return loss;
}

/** `given`: the negatives are read, else drawn. */
interface Case {
  T: number;
  k: number;
  D: number;
  N: number;
  beta: number;
  given?: boolean;
}

export const sampledGbceOp: Op<Case> = {
  name: 'sampled_gbce',
  formula: 'mean over t of (beta softplus(-s+) + sum_j softplus(s_j)) / (k + 1), s = h[t] . table[id]',
  cases: [
    { T: 1, k: 1, D: 1, N: 1, beta: 1 },
    { T: 13, k: 3, D: 7, N: 5, beta: 0.3 },
    { T: 131, k: 64, D: 24, N: 101, beta: 0.31 },
    { T: 11, k: 257, D: 130, N: 67, beta: 0.8 },
    { T: 5, k: 33, D: 128, N: 1009, beta: 0.1, given: true },
    { T: 3, k: 1, D: 7, N: 11, beta: 1, given: true },
    { T: 9, k: 70, D: 32, N: 40_009, beta: 0.4 }, // beyond CACHED_BYTES, as the next
    { T: 5, k: 34, D: 19, N: 60_013, beta: 0.4, given: true },
  ],
  benchShapes: [
    { T: 3200, k: 256, D: 128, N: 3416, beta: 0.306 },
    { T: 2900, k: 32, D: 64, N: 3416, beta: 0.257 },
    { T: 1000, k: 256, D: 64, N: 54_542, beta: 0.254 },
  ],
  inputs: ({ T, k, D, N, given }, random) => ({
    h: normals(random, [T, D]),
    table: normals(random, [N + 2, D]),
    targets: integers(random, [T], 1, N),
    ...(given ? { negatives: integers(random, [T, k], 1, N) } : {}),
  }),
  differentiable: ['h', 'table'],
  terminal: true,
  run: (tape, { k, N, beta }, { h, table, targets, negatives = undefined }) => ({
    loss: sampledGbce(tape, h!, table!, targets!, { beta, numItems: N, negatives: negatives ?? k }),
  }),
  reference: ({ T, k, D, N, beta }, { h, table, targets, negatives }) => ({
    loss: sampledGbceReference(
      h as Float64Array,
      table as Float64Array,
      targets as Uint32Array,
      (negatives as Uint32Array | undefined) ?? negativesOf(CASE_RANDOM, T, k, N),
      D,
      beta,
    ),
  }),
  forward: ({ T, k, D }) => ({ bytes: 4 * (T * (k + 1) * (D + 2) + 2 * T * D), flops: 4 * T * (k + 1) * D }),
  backward: ({ T, k, D, N }) => ({
    bytes: 4 * (T * (k + 1) * (D + 2) + 2 * T * D + N * D),
    flops: 2 * T * (k + 1) * D,
  }),
};
