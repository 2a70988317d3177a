import type { Tape } from '../../engine/tape.js';
import { checkShapes, type Tensor } from '../../engine/tensor.js';
import { gather } from '../gather/index.js';
import { drawNegatives } from '../score/negatives/index.js';

/**
 * The rows of freshly drawn negatives: the unfused way, whose [T, k, D] `sampledGbce` never makes. It is here to be compared with.
 * @param table [N + 2, D]
 * @param T tokens
 * @param k negatives a token
 * @returns [T, k, D]
 * @throws ShapeError when the table is no matrix
 */
export function embedNegatives(tape: Tape, table: Tensor, T: number, k: number): Tensor {
  const { R } = checkShapes('embed_negatives', { table: [table, 'R', 'D'] });
  const ids = drawNegatives(tape.stream, T, k, R - 2);
  const rows = gather(tape, table, ids);
  tape.stream.release(ids);
  return rows;
}
