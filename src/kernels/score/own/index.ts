import type { Table } from '../../../engine/table.js';
import type { Tape } from '../../../engine/tape.js';
import { checkShapes, type Tensor } from '../../../engine/tensor.js';
import { contributeTensor } from '../../add/index.js';
import { columnSumInto } from '../../column_sum/index.js';
import { contributeScatter } from '../../scatter_add/index.js';
import { teamOf, teamWorkgroups } from '../../team.js';
import type { Verdict } from '../judge.js';
import type { LogQ } from '../log-q.js';
import type { Candidates } from '../sampler.js';
import { subgroups } from './subgroups.js';
import { workgroups } from './workgroups.js';

/** Larger tables, in bytes, do not fit a CPU core's own cache, so reading a row means waiting for it. */
const CACHED_BYTES = 4 * 2 ** 20;

export interface OwnScoreOptions {
  verdict: Verdict;
  candidates: Candidates;
  /** How scores are corrected for how likely their items are drawn; not at all if left out. */
  logQ?: LogQ;
  /**
   * The factor of each token's loss: 1 / T if left out, which makes the loss a mean. A part of a larger batch gets the factor of the whole batch. Gradients
   * are those of the scaled loss.
   */
  scale?: number;
}

/**
 * Scores each token's positive and its own k candidates and judges them: the sum over tokens of scale times the judge's loss, s = h[t] . table[id].
 * One kernel visits each row of the table once, for the loss and both gradients; the candidates' rows are never gathered in memory.
 * @param h [T, D]
 * @param table [R, D]
 * @param targets [T] u32, ids of the positives (not checked); or [T, 2], each with the bits of its weight, see `packWeights`
 * @returns [1], the root of the backward
 * @throws ShapeError when an axis disagrees
 */
export function scoreOwn(
  tape: Tape,
  h: Tensor,
  table: Table,
  targets: Tensor,
  { verdict: { judge, settings }, candidates, logQ = 'none', scale }: OwnScoreOptions,
): Tensor {
  const { sampler, k } = candidates;
  const op = `sampled_${judge.name}`;
  const weighted = targets.shape.length === 2;
  const { stream } = tape;
  const sampled = candidates.args(stream.random);
  const given = sampled.candidates;
  const { T, D } = checkShapes(op, {
    h: [h, 'T', 'D'],
    table: [table, 'R', 'D'],
    targets: weighted ? [targets, 'T', 2] : [targets, 'T'],
    ...(typeof given === 'object' && { candidates: [given, 'T', k] as const }),
  });
  const gradients = tape.needsGradient(h) || tape.needsGradient(table.pages[0]);
  const losses = stream.empty([T, 1]);
  const outputs = gradients
    ? { dh: stream.empty([T, D]), ds: stream.empty([T, k + 1]), ids: stream.empty([T, k + 1], 'u32') }
    : undefined;

  const team = teamOf(stream.gpu.capabilities);
  const ahead = team.subgroups && stream.gpu.capabilities.software && 4 * table.rows * D > CACHED_BYTES;
  const draws = judge.weighsDraws === true && sampler.varies === true;
  const names = { judge: judge.name, sampler: sampler.name, table: table.layout };
  const shader = (team.subgroups ? subgroups : workgroups)({
    D,
    team,
    ...names,
    weighted,
    logQ,
    draws,
    gradients,
    ahead,
  });
  const numbers = {
    T,
    k,
    scale: (scale ?? 1 / T) / judge.divisor(k),
    ...judge.uniforms(settings),
    ...((logQ !== 'none' || draws) && { log_k: Math.log(k) }),
  };
  const args = { h, ...table.bindings('table'), targets, losses, ...outputs, ...sampled, ...numbers };
  stream.dispatch(shader, args, teamWorkgroups(team, T), (gradients ? 2 : 1) * T * (k + 1) * D);
  const loss = stream.empty([1]);
  columnSumInto(stream, losses, loss);
  stream.release(losses);

  if (!outputs) return loss;
  const { dh, ds, ids } = outputs;
  const rows = table.whole(op);
  tape.record({
    inputs: [h, rows],
    outputs: [loss],
    saved: [dh, ds, ids],
    backward() {
      contributeTensor(tape, h, dh);
      contributeScatter(tape, rows, { ids, source: h, weights: ds });
    },
  });
  return loss;
}
