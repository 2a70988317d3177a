import type { TrainingBatch } from '../data/batches.js';
import { checkBatch } from '../data/check-batch.js';
import { compileAhead } from '../engine/compile-ahead.js';
import type { Gpu } from '../engine/gpu.js';
import { Stream } from '../engine/stream.js';
import { Tape } from '../engine/tape.js';
import type { Tensor } from '../engine/tensor.js';
import { RULES } from '../kernels/update/rules/index.js';
import { Model } from '../model/model.js';
import type { HostParameter, HostParameters } from '../model/parameters.js';
import type { OptimizerSlots } from './checkpoint.js';
import { type TrainConfig, updatesLazily } from './config.js';
import { batchLoss, type Objective, objectiveOf } from './objective.js';
import { Optimizer } from './optimizer.js';

/** Where training goes on from: parameters and, unless at the very start, the optimizer's slots and the steps done. */
export interface TrainerState {
  readonly weights: HostParameters;
  readonly slots?: OptimizerSlots;
  readonly step: number;
}

/** A model, its optimizer and the training step: from the token ids of a batch to the updated weights on the GPU, one submit. */
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
    const options = { rule: RULES[config.optimizer], settings: { lr: config.lr }, lazy: updatesLazily(config) };
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
   * Makes room for batches of up to `tokens` tokens and creates every pipeline, so that no step has to. The promise is kept when the driver
   * has compiled them, as far as that can be had before they are used.
   */
  async prepare(tokens: number): Promise<void> {
    const batch: TrainingBatch = {
      rows: 1,
      tokens,
      ids: new Uint32Array(tokens),
      targets: new Uint32Array(tokens),
      spans: new Uint32Array(2 * tokens),
    };
    this.stream.rehearse(() => this.#record(batch, 1));
    await compileAhead(this.stream.gpu);
  }

  /**
   * One training step. The promise gives the batch's mean loss, from before the update, once the GPU is done.
   * @throws InputError for an item that the model does not have, or a span that is not its row's
   */
  async train(batch: TrainingBatch): Promise<number> {
    checkBatch(batch, this.config);
    this.#step++;
    this.stream.random = { seed: this.config.seed, step: this.#step };
    let loss: Promise<ArrayLike<number>> | undefined;
    this.stream.scope(() => {
      this.#record(batch, this.#step, (tensor) => {
        loss = this.stream.download(tensor);
      });
    });
    this.stream.submit();
    return (await loss!)[0];
  }

  /** Parameters and slots as they are after the steps handed over so far. */
  async state(): Promise<Required<TrainerState>> {
    const step = this.#step;
    const slots = Object.entries(this.#optimizer.slots);
    const [weights, ...read] = await this.#read(this.model.parameters, ...slots.map(([, tensors]) => tensors));
    return { weights, slots: Object.fromEntries(slots.map(([name], i) => [name, read[i]])), step };
  }

  /** Parameters as they are after the steps handed over so far. */
  async weights(): Promise<HostParameters> {
    const [weights] = await this.#read(this.model.parameters);
    return weights;
  }

  /** Gives all memory back to the device's pool. */
  release(): void {
    this.model.release();
    this.#optimizer.release();
  }

  #record(batch: TrainingBatch, step: number, onLoss?: (loss: Tensor) => void): void {
    const { tokens } = batch;
    const ids = this.stream.upload(batch.ids, [tokens]);
    const targets = this.stream.upload(batch.targets, [tokens]);
    const spans = this.stream.upload(batch.spans, [tokens, 2]);
    const tape = new Tape(this.stream, true, this.model.tables);
    const options = { ...this.#objective, dropoutRate: this.config.dropout_rate };
    const loss = batchLoss(tape, this.model, { ids, spans }, targets, options);
    onLoss?.(loss);
    this.stream.phase = 'backward';
    tape.backward({ of: loss });
    this.stream.phase = 'update';
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
