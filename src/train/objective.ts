import type { Tape } from '../engine/tape.js';
import type { Tensor } from '../engine/tensor.js';
import { sampledGbce } from '../kernels/score/sampled_gbce/index.js';
import type { SequenceTensors } from '../model/architecture.js';
import type { Model } from '../model/model.js';

/** What the hidden states of a batch are trained to score. */
export interface LossOptions {
  /** [T] the item that follows each token */
  targets: Tensor;
  /** gBCE's exponent of the positive's probability, see gbceBeta. */
  beta: number;
  /** k, drawn on the GPU; or the ids themselves, [T, k]. */
  negatives: number | Tensor;
  dropoutRate?: number;
}

/** The mean gBCE loss over all tokens of a batch, a single number [1]: the root of the backward. */
export function batchLoss(
  tape: Tape,
  model: Model,
  batch: SequenceTensors,
  { targets, beta, negatives, dropoutRate = 0 }: LossOptions,
): Tensor {
  const h = model.encode(tape, batch, { dropoutRate });
  tape.stream.phase = 'loss';
  return sampledGbce(tape, h, model.outputTable, targets, { beta, negatives, numItems: model.config.num_items });
}
