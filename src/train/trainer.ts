import { settingsOf } from '../base/options.js';
import { type BatchPart, evenBatch, historiesOf, partsOf, type TrainingBatch } from '../data/batches.js';
import { checkBatch } from '../data/check-batch.js';
import { compileAhead } from '../engine/compile-ahead.js';
import type { Gpu } from '../engine/gpu.js';
import { Stream } from '../engine/stream.js';
import { Tape } from '../engine/tape.js';
import type { Tensor } from '../engine/tensor.js';
import type { ItemCounts } from '../kernels/score/sampler.js';
import { packWeights } from '../kernels/score/targets.js';
import { wholeGradient } from '../kernels/update/clipped.js';
import { RULES } from '../kernels/update/rules/index.js';
import { Model } from '../model/model.js';
import type { HostParameter, HostParameters } from '../model/parameters.js';
import { checkParameters, checkTables } from '../model/tables.js';
import type { OptimizerSlots } from './checkpoint.js';
import { measuresGradients, type TrainConfig, updatesLazily } from './config.js';
import { batchLoss, type Objective, objectiveOf } from './objective.js';
import { Optimizer } from './optimizer.js';

/** The state that training continues from: parameters and, unless at the very start, the optimizer's slots and the number of steps done. */
export interface TrainerState {
  readonly weights: HostParameters;
  readonly slots?: OptimizerSlots;
  readonly step: number;
}

/** The result of a training step. */
export interface StepOutcome {
  /** Mean loss of the batch, from before the update. */
  readonly loss: number;
  /** Norm of all gradients as one vector, before clipping. Omitted if the configuration does not measure them. */
  readonly norm?: number;
  /** False if the loss is NaN or infinite. If gradients are measured, also false if one of them is, and then the step changed nothing. */
  readonly finite: boolean;
}

/**
 * Checks that a model can be trained on a device, before anything is drawn or written.
 * @throws OutOfMemoryError where the adapter binds no table of all items, or the machine cannot hold the parameters, their gradients and slots
 */
export function checkTraining(gpu: Gpu, config: TrainConfig): void {
  checkTables(gpu, config);
  const slots = RULES[config.optimizer].slots.length;
  checkParameters(gpu, config, { host: 1 + slots, device: 2 + slots });
}

/** A model, its optimizer and the training step, which runs on the GPU from a batch's token ids to the updated weights in one submit. */
export class Trainer {
  readonly stream: Stream;
  readonly model: Model;
  readonly #optimizer: Optimizer;
  readonly #objective: Objective;
  readonly #guarded: boolean;
  #step: number;

  /**
   * @param guarded true: a step that is not finite moves nothing, whatever the configuration says; the others move to the same bits
   * @param counts how often each item is a target, for negatives that are drawn by it, see `countsFor`
   * @throws InputError for such negatives without counts
   */
  constructor(
    gpu: Gpu,
    private readonly config: TrainConfig,
    { weights, slots, step }: TrainerState,
    { guarded = false, counts }: { guarded?: boolean; counts?: ItemCounts | undefined } = {},
  ) {
    this.#guarded = guarded;
    this.stream = new Stream(gpu);
    const objective = objectiveOf(config);
    const source = objective.negatives.prepare?.(this.stream, counts, config);
    this.#objective = { ...objective, ...(counts && { counts }), ...(source && { source }) };
    this.model = new Model(this.stream, config, weights);
    const rule = RULES[config.optimizer];
    const options = { rule, settings: settingsOf(rule, config), lazy: updatesLazily(config) };
    try {
      this.#optimizer = new Optimizer(this.stream, this.model.parameters, options, slots);
    } catch (error) {
      this.model.release();
      throw error;
    }
    this.#step = step;
    this.stream.submit();
  }

  /** Optimizer steps done. */
  get step(): number {
    return this.#step;
  }

  /** Does what no step then has to: `allocate`, then `compile`. */
  async prepare(tokens: number): Promise<void> {
    this.allocate(tokens);
    await this.compile();
  }

  /**
   * Allocates for parts of batches of up to `tokens` tokens and for reading the state, and creates every pipeline.
   * @throws OutOfMemoryError if that does not fit
   */
  allocate(tokens: number): void {
    const { train_batch_size, num_items } = this.config;
    const even = evenBatch(Math.min(train_batch_size, tokens), tokens, num_items);
    const part = this.model.task.weighted ? { ...even, weights: new Float32Array(tokens).fill(1) } : even;
    const parts = Array.from({ length: this.config.accumulate }, (_, i) => ({ ...part, first: i * tokens }));
    this.stream.rehearse(() => this.#record(parts, 1));
    const state = [this.model.parameters, ...Object.values(this.#optimizer.slots)].flatMap((of) => [...of.values()]);
    this.stream.allocateReads(state);
  }

  /** The promise resolves when the driver has compiled the shaders, as far as that is possible before their first use. */
  compile(signal?: AbortSignal): Promise<void> {
    return compileAhead(this.stream.gpu, signal);
  }

  /**
   * One training step, in parts of `train_batch_size` sequences. The promise resolves, once the GPU is done, to the batch's mean loss before the
   * update.
   * @throws InputError for an item that the model does not have, or a span that is not its row's
   */
  async train(batch: TrainingBatch): Promise<number> {
    return (await this.advance(batch)).loss;
  }

  /** The same as `train`, and what became of the gradients. */
  async advance(batch: TrainingBatch): Promise<StepOutcome> {
    checkBatch(batch, this.config, this.model.task);
    this.#step++;
    const losses: Promise<ArrayLike<number>>[] = [];
    const clip = this.stream.scope(() => {
      const clip = this.#record(partsOf(batch, this.config.train_batch_size), this.#step, (loss) => {
        losses.push(this.stream.download(loss));
      });
      return clip && { arrived: this.stream.download(clip) };
    });
    this.stream.submit();
    const loss = await total(losses);
    if (!clip) return { loss, finite: Number.isFinite(loss) };
    const [factor, norm] = await clip.arrived;
    return { loss, norm, finite: factor > 0 };
  }

  /** The loss of a batch, and its gradient by each parameter, as the next step would have them; nothing moves. @throws as `train` */
  async differentiate(batch: TrainingBatch): Promise<{ loss: number; gradients: HostParameters }> {
    checkBatch(batch, this.config, this.model.task);
    const { stream, model } = this;
    const losses: Promise<ArrayLike<number>>[] = [];
    const reads: Promise<[string, HostParameter]>[] = [];
    stream.scope(() => {
      const tape = this.#differentiate(partsOf(batch, this.config.train_batch_size), this.#step + 1, (loss) => {
        losses.push(stream.download(loss));
      });
      for (const [name, param] of model.parameters) {
        const gradient = tape.take(param);
        if (!gradient) continue;
        const arrived = stream.download(wholeGradient(stream, gradient, param.shape).dense);
        reads.push(arrived.then((data) => [name, { shape: param.shape, data: data as Float32Array }]));
        gradient.end();
      }
    });
    stream.submit();
    return { loss: await total(losses), gradients: new Map(await Promise.all(reads)) };
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
    if (this.#objective.source) this.stream.release(this.#objective.source);
  }

  /** @returns [2] see `clipFactor`, where the gradients are measured */
  #record(parts: readonly BatchPart[], step: number, onLoss: (loss: Tensor) => void = () => {}): Tensor | undefined {
    const { stream, config } = this;
    const measured = this.#guarded || measuresGradients(config);
    const losses: Tensor[] = [];
    const tape = this.#differentiate(parts, step, (loss) => {
      onLoss(loss);
      if (measured) losses.push(stream.view(loss));
    });
    stream.phase = 'update';
    if (measured) return this.#optimizer.updateClipped(tape, step, config.clip_norm, losses);
    this.#optimizer.update(tape, step);
    return undefined;
  }

  /** Each part's loss is its share of the whole batch's loss, so that the gradients of the parts add up to those of the whole batch. */
  #differentiate(parts: readonly BatchPart[], step: number, onLoss: (loss: Tensor) => void): Tape {
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
      const host = { ...part, all: parts };
      const rows = this.#objective.negatives.needs === 'histories' && {
        rows: { spans: part.spans, histories: historiesOf(part) },
      };
      const given = { ...this.#objective, ...rows, dropoutRate, scale };
      const loss = batchLoss(tape, model, { ids, spans, host }, targets, given);
      onLoss(loss);
      stream.phase = 'backward';
      tape.backward({ of: loss });
    }
    return tape;
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

async function total(losses: readonly Promise<ArrayLike<number>>[]): Promise<number> {
  return (await Promise.all(losses)).reduce((total, loss) => total + loss[0], 0);
}

function sum<T>(values: readonly T[], of: (value: T) => number): number {
  return values.reduce((total, value) => total + of(value), 0);
}
