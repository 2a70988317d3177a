import { type EvaluationBatch, evaluationBatches, seenBits, seenWords } from '../data/batches.js';
import { Sequences, type Split } from '../data/dataset.js';
import type { Ranking } from '../data/rank.js';
import type { Gpu } from '../engine/gpu.js';
import type { Table } from '../engine/table.js';
import { Tape } from '../engine/tape.js';
import type { Tensor } from '../engine/tensor.js';
import { gather } from '../kernels/gather/index.js';
import { gbce } from '../kernels/score/judges/gbce.js';
import { JUDGES } from '../kernels/score/judges/index.js';
import { isCalibrated } from '../kernels/score/negatives/index.js';
import { beginRanks, rank } from '../kernels/score/rank/index.js';
import { isUnit, scoredHidden, unitTable } from '../kernels/score/similarity.js';
import { topK } from '../kernels/score/top_k/index.js';
import type { ModelConfig } from '../model/architecture.js';
import { Model } from '../model/model.js';
import type { HostParameters } from '../model/parameters.js';
import type { Recommendation, TopBatch } from './answers.js';
import { attentionOver } from './explain.js';
import { lastHidden } from './query.js';
import { type History, type RankOptions, Recommender } from './recommender.js';

/** What a configuration says about ranking. */
export interface NeuralSettings {
  /** The most users in a batch, 512 by default. */
  readonly eval_batch_size?: number;
  /** The loss that the model was trained with (gBCE if left out) and its options. They decide whether a score's sigmoid is a probability. */
  readonly loss?: string;
  readonly gbce_t?: number;
  /** The negatives that it was trained on; none that scores choose if left out. */
  readonly negatives?: string;
}

const DEFAULT_BATCH = 512;

/** Histories in a batch of `top`, each of which takes a row of top-k's scores. */
const MOST_ROWS = 512;

/** Bounds the memory of a forward pass, whose activations are kept until it ends. */
const MOST_TOKENS = 16384;

/** A model on the GPU as a recommender: a forward pass over the histories, then scores that are ranked without being stored. */
export class NeuralRecommender extends Recommender {
  readonly name: string;
  readonly numItems: number;
  readonly window: number;
  readonly meaning: string;
  override readonly adapter: string;
  override readonly probability: ((score: number) => number) | undefined;
  override readonly explain: ((histories: readonly History[]) => Promise<Float32Array[]>) | undefined;
  protected override readonly nearest = (batch: TopBatch) => this.#nearest(batch);
  protected readonly batchRows: number;
  /** [N + 2, D] the output table with each row scaled to length 1, made at the first request that compares directions. */
  #directions: Table | undefined;
  readonly #rankRows: number;

  constructor(
    readonly model: Model,
    { eval_batch_size = DEFAULT_BATCH, ...training }: NeuralSettings = {},
  ) {
    super();
    const { config, architecture } = model;
    this.name = architecture.title;
    this.numItems = config.num_items;
    this.window = model.task.known(config.sequence_length);
    const most = Math.max(1, Math.floor(MOST_TOKENS / config.sequence_length));
    this.batchRows = Math.min(MOST_ROWS, most);
    this.#rankRows = Math.min(eval_batch_size, most);
    const { loss = gbce.name } = training;
    const calibrated = isCalibrated(JUDGES[loss], training);
    this.probability = calibrated ? sigmoid : undefined;
    this.meaning =
      'Logits: they order the items of one answer, and those of another answer, or of another model, are not comparable; ' +
      (calibrated
        ? 'their sigmoid is the probability that an item comes next'
        : 'their sigmoid is no probability, which it is where a model is trained with the loss gbce and gbce_t 1');
    this.adapter = model.stream.gpu.adapter.info.description;
    this.explain = model.attention && ((histories) => attentionOver(model, histories));
  }

  /**
   * The model of a checkpoint. Several can share a device independently.
   * @throws OutOfMemoryError if the adapter cannot bind a table of all items
   */
  static on(
    gpu: Gpu,
    { config, weights }: { config: ModelConfig & NeuralSettings; weights: HostParameters },
  ): NeuralRecommender {
    return new NeuralRecommender(Model.on(gpu, { config, weights }), config);
  }

  async rank(split: Split, { filterRated = true, top = 0, signal, onProgress }: RankOptions = {}): Promise<Ranking> {
    const { numItems } = this;
    const { stream, task, config } = this.model;
    const words = seenWords(numItems);
    const users = split.targets.length;
    const ranking: Ranking = { ranks: new Float64Array(users), top: new Uint32Array(users * top) };
    let before = Promise.resolve(); // the GPU works on one batch while the host prepares the next
    for (const batch of evaluationBatches(task, split, config.sequence_length, this.#rankRows)) {
      signal?.throwIfAborted();
      const histories = Array.from({ length: batch.rows }, (_, i) => split.inputs.at(batch.first + i));
      const excluded = filterRated ? seenBits(histories, numItems) : new Uint32Array(batch.rows * words);
      const reads = stream.scope(() => this.#rank(batch, excluded, top).map((found) => stream.download(found)));
      stream.submit();
      await before;
      before = Promise.all(reads).then(([ranks, best]) => {
        ranks.forEach((r, i) => {
          ranking.ranks[batch.first + i] = r === 0 ? Infinity : r;
        });
        if (best) ranking.top.set(best, batch.first * top);
        onProgress?.(batch.first + batch.rows, users);
      });
      before.catch(() => {}); // awaited only after the next batch has been recorded
    }
    await before;
    return ranking;
  }

  /** Acquires the memory that ranking so many users takes at most. @throws OutOfMemoryError if there is less */
  allocate(users: number): void {
    const { numItems, window } = this;
    const { stream, task, config } = this.model;
    const longest = Sequences.from(
      Array.from({ length: Math.min(users, this.#rankRows) }, () => Array(window).fill(1)),
    );
    const split = { inputs: longest, targets: new Uint32Array(longest.count).fill(1) };
    const [batch] = evaluationBatches(task, split, config.sequence_length, this.#rankRows);
    const excluded = new Uint32Array(batch.rows * seenWords(numItems));
    stream.rehearse(() => this.#rank(batch, excluded, 0), { pipelines: false });
  }

  /** @returns the ranks [B] of the targets and, with `top`, the best items [B, top] */
  #rank(batch: EvaluationBatch, excluded: Uint32Array, top: number): Tensor[] {
    const { model, numItems } = this;
    const { stream } = model;
    const { h, table } = model.scored(new Tape(stream, false), lastHidden(model, batch));
    const targets = stream.upload(batch.targets, [batch.rows]);
    const bits = stream.upload(excluded, [batch.rows, seenWords(numItems)]);
    stream.phase = 'ranking';
    if (top === 0) return [rank(stream, h, table, targets, bits, numItems)];
    const ranked = beginRanks(stream, h, table, targets, bits, numItems);
    return [ranked.ranks, topK(stream, h, table, bits, numItems, top, { ranked }).ids];
  }

  protected async best({ histories, excluded, top }: TopBatch): Promise<Recommendation[][]> {
    const { model } = this;
    const { stream, config } = model;
    const batch = model.task.query(histories, model.config.sequence_length);
    const table = isUnit(config) ? this.#unitRows() : model.outputTable;
    return this.#top(excluded, batch.rows, top, () => [
      scoredHidden(new Tape(stream, false), lastHidden(model, batch), config),
      table,
    ]);
  }

  async #nearest({ histories, excluded, top }: TopBatch): Promise<Recommendation[][]> {
    const { stream } = this.model;
    const directions = this.#unitRows();
    const ids = Uint32Array.from(histories, ([item]) => item);
    return this.#top(excluded, ids.length, top, () => {
      return [gather(new Tape(stream, false), directions, stream.upload(ids, [ids.length])), directions];
    });
  }

  /** The best items of each row. @param query returns, inside a scope, the rows [rows, D] and the table that they are compared with */
  async #top(
    excluded: Uint32Array,
    rows: number,
    top: number,
    query: () => [Tensor, Table],
  ): Promise<Recommendation[][]> {
    const { numItems } = this;
    const { stream } = this.model;
    const reads = stream.scope(() => {
      const [h, table] = query();
      const bits = stream.upload(excluded, [rows, seenWords(numItems)]);
      const best = topK(stream, h, table, bits, numItems, top);
      return [stream.download(best.ids), stream.download(best.scores)];
    });
    stream.submit();
    const [ids, scores] = await Promise.all(reads);
    return Array.from({ length: rows }, (_, row) => {
      const found: Recommendation[] = [];
      for (let i = row * top; i < (row + 1) * top && ids[i] > 0; i++) found.push({ item: ids[i], score: scores[i] });
      return found;
    });
  }

  #unitRows(): Table {
    const { stream, outputTable } = this.model;
    this.#directions ??= unitTable(new Tape(stream, false), outputTable);
    return this.#directions;
  }

  override check(): void {
    this.model.stream.gpu.check();
  }

  override release(): void {
    const { stream } = this.model;
    this.model.release();
    this.#directions?.release(stream);
    this.#directions = undefined;
  }
}

/**
 * The calibrated probability that an item of this score is the next one, of a model trained with gbce_t 1 (Petrov and Macdonald, RecSys
 * 2023, section 5.2). With a smaller t it would be too high. The paper's derivation leaves the positive out of the negatives. The official sampler, and so
 * this one, does not, and a probability p is then learnt as p / (1 + p), which is the same while p is small.
 */
function sigmoid(score: number): number {
  return 1 / (1 + Math.exp(-score));
}
