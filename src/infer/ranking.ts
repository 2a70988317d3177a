import { evaluationBatches, type QueryBatch, seenBits, seenWords } from '../data/batches.js';
import { checkBatch } from '../data/check-batch.js';
import type { Split } from '../data/dataset.js';
import { mrr, ndcgAt, recallAt } from '../data/metrics.js';
import type { Ranking } from '../data/rank.js';
import { Tape } from '../engine/tape.js';
import type { Tensor } from '../engine/tensor.js';
import { beginRanks, rank } from '../kernels/score/rank/index.js';
import { topK } from '../kernels/score/top_k/index.js';
import type { LastTokens, SequenceTensors } from '../model/architecture.js';
import type { Model } from '../model/model.js';

/** What is measured over the whole catalogue, one target a user. */
export type Metrics = Record<'ndcg@10' | 'recall@1' | 'recall@10' | 'mrr', number>;

export interface EvaluateOptions {
  /** Users a batch at most. */
  batchSize: number;
  /** Leave the items of the history out of the ranking. */
  filterRated: boolean;
  /** Aborting it ends the work before the next batch. */
  signal?: AbortSignal;
  /** After each batch, how many users are done and of how many. */
  onProgress?: (done: number, users: number) => void;
}

/** Activations of a forward pass are kept until it ends; this many tokens bound them. */
const MAX_TOKENS = 16384;

/** Users that may go into one forward pass of windows of `sequenceLength`. */
export function forwardRows(sequenceLength: number, batchSize: number): number {
  return Math.max(1, Math.min(batchSize, Math.floor(MAX_TOKENS / sequenceLength)));
}

export function metricsOf(ranks: ArrayLike<number>): Metrics {
  return {
    'ndcg@10': ndcgAt(10, ranks),
    'recall@1': recallAt(1, ranks),
    'recall@10': recallAt(10, ranks),
    mrr: mrr(ranks),
  };
}

/** Histories on the GPU. To be called inside a scope. @throws InputError for an item that the model does not have, or a span that is not its row's */
export function uploadQuery(
  { stream, config }: Model,
  batch: QueryBatch,
): { batch: SequenceTensors; last: LastTokens } {
  checkBatch(batch, config);
  const B = batch.rows;
  const ranges = Uint32Array.from({ length: 2 * B }, (_, i) => batch.spans[2 * batch.lastTokens[i >> 1] + (i & 1)]);
  return {
    batch: { ids: stream.upload(batch.ids, [batch.tokens]), spans: stream.upload(batch.spans, [batch.tokens, 2]) },
    last: { tokens: stream.upload(batch.lastTokens, [B]), spans: stream.upload(ranges, [B, 2]) },
  };
}

/** The hidden state at the last token of each history. To be called inside a scope. @returns [B, D] @throws as `uploadQuery` */
export function lastHidden(model: Model, query: QueryBatch): Tensor {
  const { batch, last } = uploadQuery(model, query);
  return model.encode(new Tape(model.stream, false), batch, { last });
}

/**
 * Ranks the whole catalogue for each user of a split, by one forward pass.
 * @param options with `top`, 0 … 512 and at most N: best items to name
 * @throws whatever the signal was aborted with
 */
export async function rankUsers(
  model: Model,
  split: Split,
  { batchSize, filterRated, top = 0, signal, onProgress }: EvaluateOptions & { top?: number },
): Promise<Ranking> {
  const { num_items, sequence_length } = model.config;
  const { stream } = model;
  const words = seenWords(num_items);
  const users = split.targets.length;
  const ranking: Ranking = { ranks: new Float64Array(users), top: new Uint32Array(users * top) };
  const rows = forwardRows(sequence_length, batchSize);
  let before = Promise.resolve(); // the GPU has one batch to work on while the host prepares the next
  for (const batch of evaluationBatches(model.architecture.task, split, sequence_length, rows)) {
    signal?.throwIfAborted();
    const histories = Array.from({ length: batch.rows }, (_, i) => split.inputs.at(batch.first + i));
    const excluded = filterRated ? seenBits(histories, num_items) : new Uint32Array(batch.rows * words);
    const reads = stream.scope(() => {
      const h = lastHidden(model, batch);
      const targets = stream.upload(batch.targets, [batch.rows]);
      const bits = stream.upload(excluded, [batch.rows, words]);
      stream.phase = 'ranking';
      const table = model.outputTable;
      if (top === 0) return [stream.download(rank(stream, h, table, targets, bits, num_items))];
      const ranked = beginRanks(stream, h, table, targets, bits, num_items);
      const { ids } = topK(stream, h, table, bits, num_items, top, { ranked });
      return [stream.download(ranked.ranks), stream.download(ids)];
    });
    stream.submit();
    await before;
    before = Promise.all(reads).then(([ranks, best]) => {
      ranks!.forEach((r, i) => {
        ranking.ranks[batch.first + i] = r === 0 ? Infinity : r;
      });
      if (best) ranking.top.set(best, batch.first * top);
      onProgress?.(batch.first + batch.rows, users);
    });
    before.catch(() => {}); // it is awaited only after the next batch has been recorded
  }
  await before;
  return ranking;
}

/** The ranks alone, see Ranking. @returns [users of the split] */
export async function rankSplit(model: Model, split: Split, options: EvaluateOptions): Promise<Float64Array> {
  return (await rankUsers(model, split, options)).ranks;
}

/** Metrics of a split, see rankSplit. */
export async function evaluateSplit(model: Model, split: Split, options: EvaluateOptions): Promise<Metrics> {
  return metricsOf(await rankSplit(model, split, options));
}
