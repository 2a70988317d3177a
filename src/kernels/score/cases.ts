import type { HostRandom } from '../../base/philox.js';
import { type Shape, sizeOf } from '../../engine/tensor.js';
import { normals } from '../inputs.js';
import type { Operand } from '../op.js';

/** A case of the operations on the catalogue. `share` of the items is out; `real`: embeddings are not small integers. */
export interface CatalogueCase {
  B: number;
  N: number;
  D: number;
  share: number;
  real?: boolean;
  /** Rows of the table behind the items, by default one, as a model has it that pads. */
  spare?: number;
}

/**
 * Inputs whose order float32 and float64 agree on: integer embeddings, whose scores are exact and often equal, or normal ones
 * in a table whose items come in pairs, i and i + N/2, with the same embedding.
 */
export function catalogueInputs({ B, N, D, share, real, spare = 1 }: CatalogueCase, random: HostRandom) {
  const draw = (shape: Shape): Operand<Float32Array> =>
    real
      ? normals(random, shape)
      : { shape, data: Float32Array.from({ length: sizeOf(shape) }, () => random.integer(7) - 3) };
  const table = draw([N + 1 + spare, D]);
  const half = Math.floor(N / 2);
  if (real) table.data.copyWithin((1 + half) * D, D, (1 + half) * D);
  const words = Math.ceil((N + 1 + spare) / 32);
  const excluded = Uint32Array.from({ length: B * words }, () => {
    let word = 0;
    for (let bit = 0; bit < 32; bit++) if (random.uniform() < share) word |= 1 << bit;
    return word;
  });
  const mask: Operand<Uint32Array> = { shape: [B, words], data: excluded };
  return { h: draw([B, D]), table, excluded: mask };
}
