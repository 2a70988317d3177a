import { sizeOf } from '../../src/engine/tensor.js';
import { parameterShapes } from '../../src/model/config.js';
import type { HostParameters } from '../../src/model/parameters.js';
import type { ResumableCheckpoint } from '../../src/train/checkpoint.js';
import { resolveConfig } from '../../src/train/config.js';

/** Of a model of 5 items. */
export const config = resolveConfig(5, [{ sequence_length: 3, embedding_dim: 4, num_heads: 2, num_blocks: 1 }]);

/** A checkpoint in which every number shows its step and kind of tensor. */
export function checkpointAt(step: number): ResumableCheckpoint {
  const filled = (value: number): HostParameters =>
    new Map(
      [...parameterShapes(config)].map(([name, shape]) => [
        name,
        { shape, data: new Float32Array(sizeOf(shape)).fill(value) },
      ]),
    );
  return {
    config,
    step,
    epoch: step / 100,
    metrics: { 'ndcg@10': step / 1000 },
    weights: filled(step),
    slots: { m: filled(step + 0.25), v: filled(step + 0.5) },
    loop: {
      batch: 0,
      loss_sum: 0.1 * step,
      best_metric: step / 1000,
      epochs_without_improvement: 0,
      seconds: step / 7,
    },
  };
}
