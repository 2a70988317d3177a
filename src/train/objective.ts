import { settingsOf } from '../base/options.js';
import type { Tape } from '../engine/tape.js';
import type { Tensor } from '../engine/tensor.js';
import type { Verdict } from '../kernels/score/judge.js';
import { JUDGES } from '../kernels/score/judges/index.js';
import { scoreOwn } from '../kernels/score/own/index.js';
import { type Candidates, drawnCandidates } from '../kernels/score/sampler.js';
import { DRAWING } from '../kernels/score/samplers/index.js';
import type { SequenceTensors } from '../model/architecture.js';
import type { Model } from '../model/model.js';
import type { TrainConfig } from './config.js';

/** What a model is trained for: which items each token's positive is compared with, and how they are judged. */
export interface Objective {
  readonly verdict: Verdict;
  readonly candidates: Candidates;
}

/** The objective that a configuration asks for. */
export function objectiveOf(config: TrainConfig): Objective {
  const { loss, negatives, negs_per_pos: k, num_items: numItems } = config;
  const judge = JUDGES[loss];
  const sampler = DRAWING[negatives];
  return {
    verdict: { judge, settings: judge.settings(config, { k, numItems }) },
    candidates: drawnCandidates(sampler, k, numItems, settingsOf(sampler, config)),
  };
}

/**
 * The best score that the objective lets a model give to every item alike, or 0 where any is as good. A model that starts elsewhere first learns this
 * offset, and does it by making all hidden states alike; then it ranks by popularity for hundreds of steps until they differ again.
 */
export function priorScore({ verdict: { judge, settings }, candidates }: Objective): number {
  return judge.prior?.(settings, candidates.k) ?? 0;
}

/**
 * The loss of a batch, a single number [1]: the root of the backward.
 * @param targets [T] u32 the item that follows each token; or [T, 2] with weights, see `packWeights`
 * @param options.scale what a token's loss counts for in the whole, see `scoreOwn`; by default the loss is a mean over tokens
 */
export function batchLoss(
  tape: Tape,
  model: Model,
  batch: SequenceTensors,
  targets: Tensor,
  { dropoutRate = 0, ...options }: Objective & { dropoutRate?: number; scale?: number },
): Tensor {
  const h = model.encode(tape, batch, { dropoutRate });
  tape.stream.phase = 'loss';
  return scoreOwn(tape, h, model.outputTable, targets, options);
}
