import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { GsasError } from '../base/errors.js';
import type { TrainingBatches } from '../data/batches.js';
import type { Gpu } from '../engine/gpu.js';
import { evaluateSplit, type Metrics } from '../infer/ranking.js';
import { checkTables } from '../model/tables.js';
import {
  type Checkpoint,
  createRun,
  LOOP_START,
  type LoopState,
  loadCheckpoint,
  type ResumableCheckpoint,
  saveCheckpoint,
} from '../store/checkpoint.js';
import { describeEnvironment } from '../store/environment.js';
import { writeWhole } from '../store/files.js';
import { RunLog } from '../store/runlog.js';
import { beginSession, endSession, type StopReason } from '../store/sessions.js';
import { rememberSource } from '../store/source.js';
import type { TrainConfig } from './config.js';
import { type PlanRequest, planTraining } from './plan.js';
import type { ProgressState } from './progress.js';
import { Trainer } from './trainer.js';

export interface TrainRequest extends PlanRequest {
  gpu: Gpu;
  /** Where the dataset came from, noted in the run's folder: a folder, or null for the embedded one. */
  data?: string | null;
  /** Aborting it ends the run after the step in hand; the last checkpoint is written. */
  signal?: AbortSignal;
  /** Awaited before the first step, when the GPU's kernels have been asked for all that a step needs: the time to tune them. */
  onPrepared?: () => Promise<void>;
  /** After each step; losses come up to two steps late. */
  onStep?: (state: ProgressState) => void;
  /** After each validation, before its checkpoint is written. */
  onValidation?: (validation: Validation) => void;
}

/** One validation, as it stands in metrics.jsonl. */
export interface Validation extends Metrics {
  /** Epochs done; a fraction where a limit stopped the run within one. */
  epoch: number;
  step: number;
  /** Mean training loss of the epoch. */
  loss: number;
  lr: number;
  /** Training time so far. */
  seconds: number;
  positions_per_second: number;
}

/** How a run ended, and its best weights. */
export interface TrainResult {
  config: TrainConfig;
  stopped: StopReason;
  steps: number;
  epochs: number;
  /** Training time over all the runs that led here, validation included. */
  seconds: number;
  /** Best by val_metric; undefined where the run was aborted before the first validation. */
  best: Checkpoint | undefined;
}

/** Steps that may be on their way: the host prepares the next batch while the GPU works, and reads losses late. */
const IN_FLIGHT = 2;

/**
 * Trains gSASRec until early stopping, a limit or the signal.
 * @throws InputError for bad options, a folder that holds a run, a run that cannot be resumed
 * @throws OutOfMemoryError before anything is written where the adapter can bind no table of all items
 * @throws GsasError when the loss is no longer a number; the last checkpoint stays as it was
 */
export async function train(request: TrainRequest): Promise<TrainResult> {
  const { gpu, out } = request;
  const { config, saved, batches, start } = planTraining(request);
  checkTables(gpu, config);
  if (out && !saved) {
    createRun(out);
    if (request.data !== undefined) rememberSource(out, request.data, request.dataset);
  }
  if (out) {
    writeConfig(out, config);
    beginSession(out, describeEnvironment(gpu));
  }
  const trainer = new Trainer(gpu, config, start());
  try {
    await trainer.prepare(batches.capacity);
    await request.onPrepared?.();
    const result = await new Run(request, config, trainer, batches, saved).go();
    if (out) endSession(out, { stopped: result.stopped });
    return result;
  } catch (error) {
    if (out) noteFailure(out, error);
    throw error;
  } finally {
    trainer.release();
  }
}

/** The options of the run, as a file that another run can be started from; the catalogue's size comes from the data. */
function writeConfig(run: string, { num_items, ...options }: TrainConfig): void {
  writeWhole(join(run, 'config.json'), [Buffer.from(`${JSON.stringify(options, null, 2)}\n`)]);
}

/** The error that ended the run is the one to be told, also where the disk is full and it cannot be noted. */
function noteFailure(run: string, error: unknown): void {
  try {
    endSession(run, { stopped: 'failed', error: error instanceof Error ? error.message : String(error) });
  } catch {}
}

/** The loop: epochs of steps, a validation after each, checkpoints, and the reasons to stop. */
class Run {
  readonly #started = performance.now();
  readonly #log: RunLog | undefined;
  readonly #firstStep: number;
  readonly #secondsBefore: number;
  #epoch: number;
  #loop: LoopState;
  #metrics: Checkpoint['metrics'];
  #best: Checkpoint | undefined;
  #positions = 0;
  /** Time and positions at the last validation, for the throughput between two. */
  #window = { time: performance.now(), positions: 0 };
  #pending: { loss: Promise<number>; tokens: number }[] = [];

  constructor(
    private readonly request: TrainRequest,
    private readonly config: TrainConfig,
    private readonly trainer: Trainer,
    private readonly batches: TrainingBatches,
    saved: ResumableCheckpoint | undefined,
  ) {
    this.#epoch = saved?.epoch ?? 0;
    this.#loop = saved?.loop ?? LOOP_START;
    this.#metrics = saved?.metrics ?? {};
    this.#firstStep = trainer.step;
    this.#secondsBefore = this.#loop.seconds;
    if (request.out) {
      // A validation within an epoch belongs to a run that a limit stopped there; one that goes on does not have it.
      const kept = saved && { step: saved.step, validation: saved.loop.batch > 0 ? saved.step - 1 : saved.step };
      this.#log = new RunLog(request.out, this.#secondsBefore, kept);
    }
  }

  async go(): Promise<TrainResult> {
    let stopped = this.#reasonToStop();
    while (!stopped) {
      await this.#step();
      if (this.#loop.batch === this.batches.perEpoch) await this.#endEpoch();
      stopped = this.#reasonToStop();
    }
    // A run that was aborted before its first step is saved too: there must be one to resume.
    if (this.#loop.batch > 0 || this.trainer.step === 0) await this.#stopWithinEpoch(stopped);
    return {
      config: this.config,
      stopped,
      steps: this.trainer.step,
      epochs: this.#epoch,
      seconds: this.#seconds(),
      best: this.#best ?? this.#savedBest(),
    };
  }

  /** A resumed run that has not surpassed what it came with. */
  #savedBest(): Checkpoint | undefined {
    const { out } = this.request;
    return out && existsSync(join(out, 'best.safetensors')) ? loadCheckpoint(out, 'best') : undefined;
  }

  async #step(): Promise<void> {
    const batch = this.batches.batch(this.#epoch, this.#loop.batch);
    const loss = this.trainer.train(batch);
    // Where an earlier step fails nobody waits for this one any more, and Node ends a process for a rejection left alone.
    loss.catch(() => {});
    this.#pending.push({ loss, tokens: batch.tokens });
    this.#positions += batch.tokens;
    this.#loop = { ...this.#loop, batch: this.#loop.batch + 1 };
    if (this.#pending.length > IN_FLIGHT) await this.#settle(1);
  }

  /** Waits for the oldest `count` steps and adds up their losses, in order. */
  async #settle(count: number): Promise<void> {
    for (; count > 0; count--) {
      const { loss: pending, tokens } = this.#pending.shift()!;
      const loss = await pending;
      const step = this.trainer.step - this.#pending.length;
      if (!Number.isFinite(loss)) throw this.#diverged(`the loss is ${loss}`, step);
      this.#loop = { ...this.#loop, loss_sum: this.#loop.loss_sum + loss };
      this.#log?.step(step, loss, tokens, this.#seconds());
    }
    const settled = this.#loop.batch - this.#pending.length;
    this.request.onStep?.({
      epoch: this.#epoch + 1,
      step: this.trainer.step,
      stepsHere: this.trainer.step - this.#firstStep,
      loss: settled > 0 ? this.#loop.loss_sum / settled : Number.NaN,
      positions: this.#positions,
    });
  }

  async #endEpoch(): Promise<void> {
    await this.#settle(this.#pending.length);
    this.#log?.flush(this.trainer.step, this.#seconds());
    const validation = await this.#validate(this.#epoch + 1);
    const value = validation[this.config.val_metric];
    const isBest = this.#loop.best_metric === undefined || value > this.#loop.best_metric;
    this.#epoch++;
    this.#loop = {
      batch: 0,
      loss_sum: 0,
      best_metric: isBest ? value : this.#loop.best_metric!,
      epochs_without_improvement: isBest ? 0 : this.#loop.epochs_without_improvement + 1,
      seconds: this.#seconds(),
    };
    await this.#save(isBest);
  }

  /**
   * A limit or the signal ended the run within an epoch: last.safetensors is written so that --resume goes on as if nothing had
   * happened. A limit's run is also validated. Only where no epoch was ever completed do these weights become best.safetensors, which
   * the first whole epoch then replaces: a best from within an epoch is one that a run never stopped would not have.
   */
  async #stopWithinEpoch(stopped: StopReason): Promise<void> {
    await this.#settle(this.#pending.length);
    this.#log?.flush(this.trainer.step, this.#seconds());
    this.#loop = { ...this.#loop, seconds: this.#seconds() };
    if (stopped === 'aborted') return this.#save(false);
    const done = this.#epoch + this.#loop.batch / this.batches.perEpoch;
    await this.#validate(done);
    await this.#save(this.#loop.best_metric === undefined);
  }

  async #validate(epoch: number): Promise<Validation> {
    const { config, trainer } = this;
    const now = performance.now();
    const rate = (this.#positions - this.#window.positions) / ((now - this.#window.time) / 1000);
    const metrics = await evaluateSplit(trainer.model, this.request.dataset.val, {
      batchSize: config.eval_batch_size,
      filterRated: config.filter_rated,
    });
    this.#metrics = metrics;
    const validation: Validation = {
      epoch,
      step: trainer.step,
      loss: this.#loop.loss_sum / this.#loop.batch,
      ...metrics,
      lr: config.lr,
      seconds: this.#seconds(),
      positions_per_second: rate,
    };
    this.#window = { time: performance.now(), positions: this.#positions };
    this.#log?.validation({ ...validation });
    this.#log?.resume(this.#seconds());
    this.request.onValidation?.(validation);
    return validation;
  }

  async #save(isBest: boolean): Promise<void> {
    const { weights, m, v, step } = await this.trainer.state();
    const spoilt = [...weights].find(([, { data }]) => !data.every(Number.isFinite));
    if (spoilt) throw this.#diverged(`${spoilt[0]} holds a number that is not finite`, step);
    const checkpoint: Checkpoint = { config: this.config, step, epoch: this.#epoch, metrics: this.#metrics, weights };
    if (isBest) this.#best = checkpoint;
    const { out } = this.request;
    if (out) saveCheckpoint(out, { ...checkpoint, m, v, loop: this.#loop }, isBest);
  }

  #reasonToStop(): StopReason | undefined {
    const { config } = this;
    if (this.request.signal?.aborted) return 'aborted';
    if (this.#loop.epochs_without_improvement >= config.early_stopping_patience) return 'early_stopping';
    if (this.#epoch >= config.max_epochs) return 'max_epochs';
    if (config.max_steps !== null && this.trainer.step >= config.max_steps) return 'max_steps';
    const begun = this.trainer.step > this.#firstStep; // the shortest time limit still gets one step
    if (begun && config.max_minutes !== null && this.#secondsHere() >= 60 * config.max_minutes) return 'max_minutes';
    return undefined;
  }

  /** Training time over all the runs that led here: the saved part and this process's own. */
  #seconds(): number {
    return this.#secondsBefore + this.#secondsHere();
  }

  #secondsHere(): number {
    return (performance.now() - this.#started) / 1000;
  }

  #diverged(what: string, step: number): GsasError {
    const { out } = this.request;
    const kept = out && this.#metrics['ndcg@10'] !== undefined ? `; the last checkpoint in ${out} is as it was` : '';
    return new GsasError(`${what} at step ${step}: try a smaller lr than ${this.config.lr}${kept}`);
  }
}
