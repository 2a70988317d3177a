import { ShapeError } from '../../../base/errors.js';
import type { Stream } from '../../../engine/stream.js';
import type { Table } from '../../../engine/table.js';
import { checkShapes, type Tensor } from '../../../engine/tensor.js';
import { teamOf, teamWorkgroups } from '../../team.js';
import type { Candidates } from '../sampler.js';
import { hardest } from './shader.js';

/**
 * Of each token's candidates the m that score highest, in the order in which they were drawn; of equal scores those drawn first. Dynamic negative sampling
 * (Zhang, Chen, Wang, Yu, SIGIR 2013, section 3). Nothing is differentiated: whoever trains on them scores them again.
 * @param h [T, D]
 * @param table [R, D]
 * @param m at most the number of candidates
 * @returns [T, m] u32
 * @throws ShapeError when an axis disagrees, or m is not between 1 and k
 */
export function hardestCandidates(stream: Stream, h: Tensor, table: Table, candidates: Candidates, m: number): Tensor {
  const { sampler, k } = candidates;
  const { T, D } = checkShapes('hardest', { h: [h, 'T', 'D'], table: [table, 'R', 'D'] });
  if (m < 1 || m > k) throw new ShapeError(`hardest: ${m} of ${k} candidates; ask for 1 to ${k}`);
  const ids = stream.empty([T, m], 'u32');
  const keys = stream.empty([T, k], 'u32');
  const team = teamOf(stream.gpu.capabilities);
  const shader = hardest({ D, team, sampler: sampler.name, table: table.layout });
  const args = { h, ...table.bindings('table'), keys, ids, T, k, m, ...candidates.args(stream.random) };
  stream.dispatch(shader, args, teamWorkgroups(team, T));
  stream.release(keys);
  return ids;
}
