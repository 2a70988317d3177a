import type { Stream } from '../../engine/stream.js';
import { checkShapes, type Tensor } from '../../engine/tensor.js';
import { cellsOf } from '../cells.js';
import { columnSumShader } from './shader.js';

const ROWS = 64; // rows that a workgroup sums; more rows take several stages
const WORKGROUP = 64;

/**
 * Sums the rows of x, in a fixed order: chunks of 64 rows, then the chunks' sums in the same way.
 * @param x [R, C]
 * @param sum [C], overwritten or, with `add`, added to
 * @throws ShapeError when the columns disagree
 */
export function columnSumInto(stream: Stream, x: Tensor, sum: Tensor, add = false): void {
  const { R, C } = checkShapes('column_sum', { x: [x, 'R', 'C'], sum: [sum, 'C'] });
  const { count, ...cell } = cellsOf(C);
  const constants = { workgroup: WORKGROUP, cell };
  const across = Math.ceil(count / WORKGROUP);
  if (R <= ROWS) {
    stream.dispatch(columnSumShader({ ...constants, add }), { x, sum, R, C, rows: ROWS }, [across, 1]);
    return;
  }
  stream.scope(() => {
    const chunks = Math.ceil(R / ROWS);
    const partial = stream.empty([chunks, C]);
    const shader = columnSumShader({ ...constants, add: false });
    stream.dispatch(shader, { x, sum: partial, R, C, rows: ROWS }, [across, chunks]);
    columnSumInto(stream, partial, sum, add);
  });
}
