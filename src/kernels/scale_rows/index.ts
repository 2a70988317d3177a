import type { Tape } from '../../engine/tape.js';
import { checkShapes, type Tensor } from '../../engine/tensor.js';
import { teamOf, teamWorkgroups } from '../team.js';
import { backward, forward } from './shader.js';

/**
 * Rows times a number, each brought to length 1 before that if `unit`. Rows shorter than 1e-12 count as that long.
 * @param x [T, D]
 * @returns [T, D]
 * @throws ShapeError for an x that has other axes
 */
export function scaleRows(tape: Tape, x: Tensor, { scale = 1, unit }: { scale?: number; unit: boolean }): Tensor {
  const { T, D } = checkShapes('scale_rows', { x: [x, 'T', 'D'] });
  const { stream } = tape;
  const team = teamOf(stream.gpu.capabilities);
  const y = stream.empty([T, D]);
  stream.dispatch(forward({ D, team, unit }), { x, y, T, scale }, teamWorkgroups(team, T));
  tape.record({
    inputs: [x],
    outputs: [y],
    backward() {
      const dy = tape.gradient(y);
      tape.contribute(x, (dx, add) => {
        stream.dispatch(backward({ D, team, unit, add }), { x, dy, dx, T, scale }, teamWorkgroups(team, T));
      });
    },
  });
  return y;
}
