import type { TrainingBatch } from '../../src/data/batches.js';
import type { Cost } from '../../src/kernels/op.js';
import { registry } from '../../src/kernels/registry.js';
import { JUDGES } from '../../src/kernels/score/judges/index.js';
import { NEGATIVES, refusal } from '../../src/kernels/score/negatives/index.js';
import { resolveConfig, type TrainConfig } from '../../src/train/config.js';
import { BEAUTY, ML1M } from '../step/lengths.js';
import { drawRows, layOut } from '../step/rows.js';
import { bare } from './bare.js';

/** A catalogue, and a batch of sequences as long as those of a data set. `own` and `shared` are how many negatives a token has. */
export interface LossShape {
  N: number;
  D: number;
  B: number;
  S: number;
  own: number;
  shared: number;
  lengths: readonly number[];
}

export const LOSS_SHAPES = {
  ml1m: { N: 3416, D: 128, B: 32, S: 200, own: 256, shared: 3000, lengths: ML1M },
  beauty: { N: 54_542, D: 64, B: 128, S: 50, own: 256, shared: 3000, lengths: BEAUTY },
  million: { N: 1_000_000, D: 32, B: 128, S: 50, own: 256, shared: 3000, lengths: BEAUTY },
} as const satisfies Record<string, LossShape>;

/** A shape that takes next to no time, with which the bench itself is tested. */
export const QUICK: LossShape = { N: 211, D: 16, B: 4, S: 12, own: 16, shared: 40, lengths: BEAUTY };

/** One loss on one kind of negatives at one shape. */
export interface LossCase {
  readonly shape: LossShape;
  readonly loss: string;
  readonly negatives: string;
}

/** Every loss on all negatives that it goes with. */
export function lossCases(shape: LossShape, losses: readonly string[], negatives: readonly string[]): LossCase[] {
  return losses.flatMap((loss) =>
    negatives
      .filter((name) => refusal(JUDGES[loss], NEGATIVES[name]) === undefined)
      .map((name) => ({ shape, loss, negatives: name })),
  );
}

/** The configuration of a case, with its k and, where they have it, lists without replacement. */
export function configOfCase({ shape: { N, D, B, S, own, shared }, loss, negatives }: LossCase): TrainConfig {
  const { options } = NEGATIVES[negatives];
  const k = sharesLists(negatives) ? Math.min(shared, N) : own;
  return resolveConfig(N, [
    {
      ...{ model: bare.name, embedding_dim: D, sequence_length: S, train_batch_size: B, loss, negatives },
      ...('negs_per_pos' in options && { negs_per_pos: k }),
      ...('without_replacement' in options && { without_replacement: true }),
      ...('hardest' in options && { hardest: Math.max(1, Math.floor(own / 16)) }),
    },
  ]);
}

/** The batch of a case, the same for all. */
export function batchOfCase({ shape: { N, B, S, lengths } }: LossCase): TrainingBatch {
  return layOut(drawRows(lengths, B, N, S).map((row) => Uint32Array.from(row)));
}

/** Negatives that are chosen as lists before the forward. */
export function sharesLists(negatives: string): boolean {
  return NEGATIVES[negatives].lists !== undefined;
}

/** Memory traffic and arithmetic of the loss and its gradients at least, as the operation's spec counts them. @param k of a token */
export function costOfCase({ shape: { N, D }, loss, negatives }: LossCase, batch: TrainingBatch, k: number): Cost {
  const kind = sharesLists(negatives) ? 'shared' : negatives === 'catalogue' ? 'catalogue' : 'sampled';
  const op = registry.find(({ name }) => name === `${kind}_${loss}`)!;
  const sharers = negatives === 'per-sequence' ? lengthsOf(batch) : [batch.tokens];
  const shape = { T: batch.tokens, D, N, k, sharers };
  const [forward, backward] = [op.cost.forward(shape), op.cost.backward!(shape)];
  return { bytes: forward.bytes + backward.bytes, flops: forward.flops + backward.flops };
}

function lengthsOf({ spans, tokens }: TrainingBatch): number[] {
  const lengths: number[] = [];
  for (let t = 0; t < tokens; t += lengths.at(-1)!) lengths.push(spans[2 * t + 1] - spans[2 * t]);
  return lengths;
}

/** [N + 1] how often each item is a target of the batch, and once more, so that each can be drawn. */
export function countsOf({ targets }: TrainingBatch, N: number): Float64Array {
  const counts = new Float64Array(N + 1).fill(1);
  counts[0] = 0;
  for (const target of targets) counts[target]++;
  return counts;
}
