import { settingsOf } from '../base/options.js';
import { type BatchPart, partsOf, type TrainingBatch } from '../data/batches.js';
import { checkBatch } from '../data/check-batch.js';
import { compileAhead } from '../engine/compile-ahead.js';
import type { Gpu } from '../engine/gpu.js';
import { Stream } from '../engine/stream.js';
import { Tape } from '../engine/tape.js';
import type { Tensor } from '../engine/tensor.js';
import { packWeights } from '../kernels/score/own/index.js';
import { RULES } from '../kernels/update/rules/index.js';
import { Model } from '../model/model.js';
import type { HostParameter, HostParameters } from '../model/parameters.js';
import type { OptimizerSlots } from './checkpoint.js';
import { type TrainConfig, updatesLazily } from './config.js';
import { batchLoss, type Objective, objectiveOf } from './objective.js';
import { Optimizer } from './optimizer.js';

/** The state that training continues from: parameters and, unless at the very start, the optimizer's slots and the number of steps done. */
export interface TrainerState {
  readonly weights: HostParameters;
  readonly slots?: OptimizerSlots;
  readonly step: number;
}

/** A model, its optimizer and the training step, which runs on the GPU from a batch's token ids to the updated weights in one submit. */
export class Trainer {
  readonly stream: Stream;
  readonly model: Model;
  readonly #optimizer: Optimizer;
  readonly #objective: Objective;
  #step: number;

  constructor(
    gpu: Gpu,
    private readonly config: TrainConfig,
    { weights, slots, step }: TrainerState,
  ) {
    this.stream = new Stream(gpu);
    this.model = new Model(this.stream, config, weights);
    const rule = RULES[config.optimizer];
    const options = { rule, settings: settingsOf(rule, config), lazy: updatesLazily(config) };
    this.#optimizer = new Optimizer(this.stream, this.model.parameters, options, slots);
    this.#objective = objectiveOf(config);
    this.#step = step;
    this.stream.submit();
  }

  /** Optimizer steps done. */
  get step(): number {
    return this.#step;
  }

  /**
   * Allocates for parts of batches of up to `tokens` tokens and creates every pipeline, so that no step has to. The promise resolves when the driver has
   * compiled the shaders, as far as that is possible before their first use.
   */
  async prepare(tokens: number): Promise<void> {
    const part: TrainingBatch = {
      rows: 1,
      tokens,
      ids: new Uint32Array(tokens),
      targets: new Uint32Array(tokens),
      spans: new Uint32Array(2 * tokens),
    };
    const parts = Array.from({ length: this.config.accumulate }, (_, i) => ({ ...part, first: i * tokens }));
    this.stream.rehearse(() => this.#record(parts, 1));
    await compileAhead(this.stream.gpu);
  }

  /**
   * One training step, in parts of `train_batch_size` sequences. The promise resolves, once the GPU is done, to the batch's mean loss before the
   * update.
   * @throws InputError for an item that the model does not have, or a span that is not its row's
   */
  async train(batch: TrainingBatch): Promise<number> {
    checkBatch(batch, this.config);
    this.#step++;
    const losses: Promise<ArrayLike<number>>[] = [];
    this.stream.scope(() => {
      this.#record(partsOf(batch, this.config.train_batch_size), this.#step, (loss) => {
        losses.push(this.stream.download(loss));
      });
    });
    this.stream.submit();
    return (await Promise.all(losses)).reduce((total, loss) => total + loss[0], 0);
  }

  /** Parameters and slots after all steps submitted so far. */
  async state(): Promise<Required<TrainerState>> {
    const step = this.#step;
    const slots = Object.entries(this.#optimizer.slots);
    const [weights, ...read] = await this.#read(this.model.parameters, ...slots.map(([, tensors]) => tensors));
    return { weights, slots: Object.fromEntries(slots.map(([name], i) => [name, read[i]])), step };
  }

  /** Parameters after all steps submitted so far. */
  async weights(): Promise<HostParameters> {
    const [weights] = await this.#read(this.model.parameters);
    return weights;
  }

  /** Gives all memory back to the device's pool. */
  release(): void {
    this.model.release();
    this.#optimizer.release();
  }

  /** Each part's loss is its share of the whole batch's loss, so that the gradients of the parts add up to those of the whole batch. */
  #record(parts: readonly BatchPart[], step: number, onLoss?: (loss: Tensor) => void): void {
    const { stream, model } = this;
    const { seed, dropout_rate: dropoutRate } = this.config;
    const tokens = sum(parts, (part) => part.tokens);
    const scale = 1 / sum(parts, ({ tokens, weights }) => weights?.reduce((a, b) => a + b, 0) ?? tokens);
    const tape = new Tape(stream, true, model.tables);
    for (const part of parts) {
      stream.random = { seed, step, first: part.first, tokens };
      const ids = stream.upload(part.ids, [part.tokens]);
      const spans = stream.upload(part.spans, [part.tokens, 2]);
      const targets = part.weights
        ? stream.upload(packWeights(part.targets, part.weights), [part.tokens, 2])
        : stream.upload(part.targets, [part.tokens]);
      const loss = batchLoss(tape, model, { ids, spans }, targets, { ...this.#objective, dropoutRate, scale });
      onLoss?.(loss);
      stream.phase = 'backward';
      tape.backward({ of: loss });
    }
    stream.phase = 'update';
    this.#optimizer.update(tape, step);
  }

  async #read(...groups: ReadonlyMap<string, Tensor>[]): Promise<HostParameters[]> {
    const reads = groups.map((tensors) =>
      [...tensors].map(async ([name, tensor]): Promise<[string, HostParameter]> => {
        const data = (await this.stream.download(tensor)) as Float32Array;
        return [name, { shape: tensor.shape, data }];
      }),
    );
    this.stream.submit();
    return Promise.all(reads.map(async (entries) => new Map(await Promise.all(entries))));
  }
}

function sum<T>(values: readonly T[], of: (value: T) => number): number {
  return values.reduce((total, value) => total + of(value), 0);
}
