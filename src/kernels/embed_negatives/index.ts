import type { Table } from '../../engine/table.js';
import type { Tape } from '../../engine/tape.js';
import type { Tensor } from '../../engine/tensor.js';
import { gather } from '../gather/index.js';
import { drawCandidates } from '../score/draw/index.js';
import { drawnCandidates } from '../score/sampler.js';
import { uniform } from '../score/samplers/uniform.js';

/**
 * The rows of freshly drawn negatives: the unfused way, for comparison. `scoreOwn` never makes this [T, k, D].
 * @param table [R, D], R > numItems
 * @param T tokens
 * @param k negatives per token
 * @returns [T, k, D]
 */
export function embedNegatives(tape: Tape, table: Table, T: number, k: number, numItems: number): Tensor {
  const ids = drawCandidates(tape.stream, drawnCandidates(uniform, k, numItems), T);
  const rows = gather(tape, table, ids);
  tape.stream.release(ids);
  return rows;
}
