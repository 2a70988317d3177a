import type { Tape } from '../engine/tape.js';
import type { Tensor } from '../engine/tensor.js';
import type { Given, HostSequences, Negatives } from '../kernels/score/negatives/negatives.js';
import type { ItemCounts } from '../kernels/score/sampler.js';
import type { SequenceTensors } from '../model/architecture.js';
import type { Model } from '../model/model.js';
import { chosenIn } from './chosen.js';
import type { TrainConfig } from './config.js';

/** What a model is trained for: which items each token's positive is compared with, and how scores are judged. */
export interface Objective extends Given {
  readonly negatives: Negatives;
}

/** The objective that a configuration asks for. */
export function objectiveOf(config: TrainConfig): Objective {
  const { num_items: numItems } = config;
  const { judge, negatives } = chosenIn(config);
  const { varies = false } = negatives;
  const settings = judge.settings(config, { k: negatives.count(config, numItems), numItems, varies });
  return { negatives, verdict: { judge, settings }, numItems, options: config };
}

/**
 * The best dot product that a model could give to all items alike under this objective, or 0 if any is as good. A model that starts elsewhere first learns this
 * offset by making all hidden states alike. Then it ranks by popularity for hundreds of steps until they differ again.
 * @param counts how often each item is a target, for negatives that are drawn by it
 */
export function priorProduct(config: TrainConfig, counts: ItemCounts | undefined): number {
  const { negatives, verdict, options, numItems } = objectiveOf(config);
  const { judge, settings } = verdict;
  const draws = counts && negatives.draws?.(counts, options);
  const targets = counts?.reduce((sum, count) => sum + count, 0) ?? 0;
  const mean = draws?.reduce((sum, times, i) => sum + (times * counts![i + 1]) / targets, 0);
  return config.temperature * (judge.prior?.(settings, negatives.count(options, numItems), mean) ?? 0);
}

/**
 * The loss of a batch, a single number [1]: the root of the backward.
 * @param targets [T] u32 the item that follows each token; or [T, 2] with weights, see `packWeights`
 */
export function batchLoss(
  tape: Tape,
  model: Model,
  batch: SequenceTensors & { host: HostSequences },
  targets: Tensor,
  { negatives, dropoutRate = 0, ...given }: Objective & { dropoutRate?: number },
): Tensor {
  const lists = negatives.lists?.(tape.stream, model.outputTable, batch.host, given);
  const hidden = model.encode(tape, batch, { dropoutRate });
  tape.stream.phase = 'loss';
  const { h, table } = model.scored(tape, hidden);
  return negatives.loss(tape, h, table, targets, { ...given, ...(lists && { lists }) });
}
