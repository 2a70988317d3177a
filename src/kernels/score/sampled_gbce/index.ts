import type { Tape } from '../../../engine/tape.js';
import { checkShapes, sizeOf, type Tensor } from '../../../engine/tensor.js';
import { addInto } from '../../add/index.js';
import { columnSumInto } from '../../column_sum/index.js';
import { contributeScatter } from '../../scatter_add/index.js';
import { teamOf, teamWorkgroups } from '../../team.js';
import { drawUniforms } from '../negatives/draw.js';
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
  stream.dispatch(shader, args, teamWorkgroups(team, T));
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
