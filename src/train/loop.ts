import { orAborted } from '../base/abort.js';
import { firstNonFinite } from '../base/finite.js';
import { type Metrics, metricsOf } from '../data/metrics.js';
import type { Gpu } from '../engine/gpu.js';
import { NeuralRecommender } from '../infer/neural.js';
import { RULES } from '../kernels/update/rules/index.js';
import type { HostParameters } from '../model/parameters.js';
import { type Checkpoint, LOOP_START, type LoopState, type OptimizerSlots } from './checkpoint.js';
import type { TrainConfig } from './config.js';
import { DivergedError } from './divergence.js';
import { emptySlots } from './optimizer.js';
import type { PlanRequest, TrainPlan } from './plan.js';
import type { ProgressState } from './progress.js';
import type { StepRecord, StopReason, Validation } from './run-store.js';
import { StepWindow } from './step-window.js';
import type { StepOutcome, Trainer, TrainerState } from './trainer.js';

export interface TrainRequest extends PlanRequest {
  gpu: Gpu;
  /**
   * Aborting it ends the run after the current step, or in the middle of a validation; the last checkpoint is written. Before the first step is done
   * the run ends at once, because the device may compile shaders for minutes.
   */
  signal?: AbortSignal;
  /** Awaited before the first step, after a step was recorded once, so that `gpu.tuning` knows what there is to tune. */
  onPrepared?: () => Promise<void>;
  /** Called after each step, once its loss has arrived, which is up to two steps late. */
  onStep?: (state: ProgressState) => void;
  /** Called after each validation, before its checkpoint is written. */
  onValidation?: (validation: Validation) => void;
}

/** How a run ended, and its best weights. */
export interface TrainResult {
  config: TrainConfig;
  stopped: StopReason;
  steps: number;
  epochs: number;
  /** Training time over all sessions, validation included. */
  seconds: number;
  /** The best weights by val_metric; undefined if the run was aborted before the first validation. */
  best: Checkpoint | undefined;
}

/** How many steps may be under way: the host prepares the next batch while the GPU works, and reads losses late. */
const IN_FLIGHT = 2;

/** The training loop: epochs of steps, a validation after each, checkpoints, and the reasons to stop. */
export class Loop {
  readonly #started = performance.now();
  readonly #window: StepWindow;
  readonly #firstStep: number;
  readonly #secondsBefore: number;
  #epoch: number;
  #loop: LoopState;
  #metrics: Checkpoint['metrics'];
  #best: Checkpoint | undefined;
  /** Whether the store holds a checkpoint of this run. */
  #saved: boolean;
  /** The state in which the run began, until its first step is done. It is saved if the run is aborted before. */
  #start: TrainerState | undefined;
  #positions = 0;
  /** Time and positions at the last validation, for the throughput since then. */
  #since = { time: performance.now(), positions: 0 };
  #pending: { outcome: Promise<StepOutcome>; tokens: number }[] = [];

  constructor(
    private readonly request: TrainRequest,
    private readonly plan: TrainPlan,
    private readonly trainer: Trainer,
    start: TrainerState,
  ) {
    const { saved } = plan;
    this.#start = start;
    this.#epoch = saved?.epoch ?? 0;
    this.#loop = saved?.loop ?? LOOP_START;
    this.#metrics = saved?.metrics ?? {};
    this.#saved = saved !== undefined;
    this.#firstStep = trainer.step;
    this.#secondsBefore = this.#loop.seconds;
    this.#window = new StepWindow(this.#secondsBefore);
  }

  async run(): Promise<TrainResult> {
    let stopped = this.#reasonToStop();
    while (!stopped) {
      if (!this.#epochDone()) await this.#step();
      if (this.#epochDone()) await this.#endEpoch();
      stopped = this.#reasonToStop();
    }
    // A run that was aborted before its first step is saved too, so that it can be resumed.
    if (this.#loop.batch > 0 || this.#stepsDone() === 0) stopped = await this.#stopWithinEpoch(stopped);
    return {
      config: this.plan.config,
      stopped,
      steps: this.#stepsDone(),
      epochs: this.#epoch,
      seconds: this.#seconds(),
      best: this.#best ?? (await this.request.store?.best()), // the latter if a resumed run has not surpassed it
    };
  }

  #epochDone(): boolean {
    return this.#loop.batch === this.plan.batches.perEpoch;
  }

  async #step(): Promise<void> {
    const batch = this.plan.batches.batch(this.#epoch, this.#loop.batch);
    const outcome = this.trainer.advance(batch);
    // If an earlier step fails, nothing awaits this one, and Node ends a process for an unhandled rejection.
    outcome.catch(() => {});
    this.#pending.push({ outcome, tokens: batch.tokens });
    this.#loop = { ...this.#loop, batch: this.#loop.batch + 1 };
    if (this.#pending.length > IN_FLIGHT) await this.#settle();
  }

  /** Waits for the oldest step and adds its loss. */
  async #settle(): Promise<void> {
    const { outcome: pending, tokens } = this.#pending.shift()!;
    const outcome = this.#start ? await orAborted(pending, this.request.signal) : await pending;
    if (outcome === undefined) return this.#forget();
    const step = this.trainer.step - this.#pending.length;
    const loss = outcome.finite ? outcome.loss : this.#withoutStep(outcome, step);
    this.#start = undefined;
    this.#loop = { ...this.#loop, loss_sum: this.#loop.loss_sum + loss };
    this.#positions += tokens;
    await this.#log(this.#window.add(step, loss, tokens, this.#seconds()));
    this.request.onStep?.({
      epoch: this.#epoch + 1,
      step,
      stepsHere: step - this.#firstStep,
      loss: this.#loop.loss_sum / (this.#loop.batch - this.#pending.length),
      positions: this.#positions,
    });
  }

  /** Skips a step that changed nothing. In the mean loss it counts as the mean of the steps before it. @throws DivergedError unless `on_nan` is skip */
  #withoutStep({ loss }: StepOutcome, step: number): number {
    if (this.plan.config.on_nan !== 'skip')
      throw this.#diverged(Number.isFinite(loss) ? 'a gradient is not finite' : `the loss is ${loss}`, step);
    const { skipped = 0, loss_sum, batch } = this.#loop;
    this.#loop = { ...this.#loop, skipped: skipped + 1 };
    const before = batch - this.#pending.length - 1;
    return before > 0 ? loss_sum / before : 0;
  }

  /** Drops the requested steps, none of which is done. */
  #forget(): void {
    this.#pending = [];
    this.#loop = this.plan.saved?.loop ?? LOOP_START;
  }

  /** Whether the run was aborted before its first step is done. */
  #startAborted(): boolean {
    return this.#start !== undefined && this.request.signal?.aborted === true;
  }

  #stepsDone(): number {
    return this.#start ? this.#firstStep : this.trainer.step;
  }

  async #settleAll(): Promise<void> {
    while (this.#pending.length > 0) await this.#settle();
    await this.#log(this.#window.take(this.trainer.step, this.#seconds()));
  }

  async #log(record: StepRecord | undefined): Promise<void> {
    if (record) await this.request.store?.logSteps(record);
  }

  async #endEpoch(): Promise<void> {
    await this.#settleAll();
    if (this.#startAborted()) return;
    const validation = await this.#validate(this.#epoch + 1);
    if (!validation) return;
    const value = validation[this.plan.config.val_metric];
    const before = this.#loop.best_metric;
    // Without validation users, the latest weights are the best.
    const isBest = value === undefined || before === undefined || value > before;
    const best = isBest ? value : before;
    this.#epoch++;
    const { skipped } = this.#loop;
    this.#loop = {
      batch: 0,
      ...(skipped && { skipped }),
      loss_sum: 0,
      ...(best !== undefined && { best_metric: best }),
      epochs_without_improvement: isBest ? 0 : this.#loop.epochs_without_improvement + 1,
      seconds: this.#seconds(),
    };
    await this.#save(isBest);
  }

  /**
   * After a limit or the signal ended the run within an epoch: saves the last checkpoint so that a resumed run continues as if nothing had happened. A
   * run that a limit ended is validated too. Its weights become the best only if no epoch was ever validated, and the next full epoch replaces them:
   * an uninterrupted run would have no best weights from within an epoch.
   * @returns why the run ended: an interrupted validation turns a limit into an abort
   */
  async #stopWithinEpoch(stopped: StopReason): Promise<StopReason> {
    await this.#settleAll();
    if (this.#startAborted()) stopped = 'aborted';
    const done = this.#epoch + this.#loop.batch / this.plan.batches.perEpoch;
    const validation = stopped === 'aborted' ? undefined : await this.#validate(done);
    this.#loop = { ...this.#loop, seconds: this.#seconds() };
    await this.#save(validation !== undefined && this.#loop.best_metric === undefined);
    return validation ? stopped : 'aborted';
  }

  /** Measures the weights on the validation split; undefined if the signal came first. */
  async #validate(epoch: number): Promise<Validation | undefined> {
    const { plan, trainer, request } = this;
    const { config } = plan;
    const now = performance.now();
    const rate = (this.#positions - this.#since.positions) / ((now - this.#since.time) / 1000);
    const metrics = request.dataset.val.targets.length > 0 ? await this.#measure() : {};
    if (!metrics) return undefined;
    this.#metrics = { ...metrics };
    const validation: Validation = {
      epoch,
      step: trainer.step,
      loss: this.#loop.loss_sum / this.#loop.batch,
      ...metrics,
      lr: config.lr,
      seconds: this.#seconds(),
      positions_per_second: rate,
      ...(this.#loop.skipped && { skipped: this.#loop.skipped }),
    };
    this.#since = { time: performance.now(), positions: this.#positions };
    await request.store?.logValidation(validation);
    this.#window.resume(this.#seconds());
    request.onValidation?.(validation);
    return validation;
  }

  async #measure(): Promise<Metrics | undefined> {
    const { signal, dataset } = this.request;
    const { config } = this.plan;
    try {
      const recommender = new NeuralRecommender(this.trainer.model, config);
      const options = { filterRated: config.filter_rated, ...(signal && { signal }) };
      return metricsOf((await recommender.rank(dataset.val, options)).ranks);
    } catch (error) {
      if (signal?.aborted && error === signal.reason) return undefined;
      throw error;
    }
  }

  /** Reads from the GPU only what will be kept: without a store, that is only the best weights. */
  async #save(isBest: boolean): Promise<void> {
    const { store } = this.request;
    if (!store && !isBest) return;
    const step = this.#stepsDone();
    const { weights, slots } = await this.#read(store !== undefined);
    const spoilt = [...weights].find(([, { data }]) => firstNonFinite(data) >= 0);
    if (spoilt) throw this.#diverged(`${spoilt[0]} holds a number that is not finite`, step);
    const checkpoint = { config: this.plan.config, step, epoch: this.#epoch, metrics: this.#metrics, weights };
    if (isBest) this.#best = checkpoint;
    if (store && slots) await store.save({ ...checkpoint, slots, loop: this.#loop }, isBest);
    this.#saved = store !== undefined;
  }

  /** Parameters and, if a store keeps them, slots. At the start they come from the host, without waiting for the GPU. */
  async #read(withSlots: boolean): Promise<{ weights: HostParameters; slots: OptimizerSlots | undefined }> {
    if (this.#start) {
      const { weights, slots = emptySlots(RULES[this.plan.config.optimizer], weights) } = this.#start;
      return { weights, slots };
    }
    return withSlots ? this.trainer.state() : { weights: await this.trainer.weights(), slots: undefined };
  }

  #reasonToStop(): StopReason | undefined {
    const { config } = this.plan;
    if (this.request.signal?.aborted) return 'aborted';
    if (this.#epochDone()) return undefined; // its validation was interrupted and comes first
    if (this.#loop.epochs_without_improvement >= config.early_stopping_patience) return 'early_stopping';
    if (this.#epoch >= config.max_epochs) return 'max_epochs';
    if (config.max_steps !== null && this.trainer.step >= config.max_steps) return 'max_steps';
    const begun = this.trainer.step > this.#firstStep; // even the shortest time limit allows one step
    if (begun && config.max_minutes !== null && this.#secondsHere() >= 60 * config.max_minutes) return 'max_minutes';
    return undefined;
  }

  /** Training time over all sessions: the saved part and this process's part. */
  #seconds(): number {
    return this.#secondsBefore + this.#secondsHere();
  }

  #secondsHere(): number {
    return (performance.now() - this.#started) / 1000;
  }

  #diverged(what: string, step: number): DivergedError {
    const { store } = this.request;
    const kept = store && this.#saved ? `; the last checkpoint in ${store.name} is as it was` : '';
    const advice = `try a smaller lr than ${this.plan.config.lr}`;
    return new DivergedError(`${what} at step ${step}: ${advice}${kept}`, step, this.#saved);
  }
}
