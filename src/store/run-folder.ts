import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../base/errors.js';
import type { Checkpoint, ResumableCheckpoint } from '../train/checkpoint.js';
import type { TrainConfig } from '../train/config.js';
import type { DivergedStep, Outcome, RunStore, SessionStart, StepRecord, Validation } from '../train/run-store.js';
import { loadCheckpoint } from './checkpoint.js';
import { describeEnvironment } from './environment.js';
import { systemReason, writeWhole } from './files.js';
import { makeFolders } from './make-folders.js';
import { itemNames, keepNames } from './names.js';
import { saveReplay } from './replay.js';
import { type Recovery, recover, resumableFile, saveCheckpoint, sweep } from './resumable.js';
import { RunLock, refuseHeld } from './run-lock.js';
import { RunLog } from './runlog.js';
import { beginSession, endSession } from './sessions.js';
import { rememberSource } from './source.js';

/** What a run's folder says of its data. */
export interface RunFolderOptions {
  /** Where the dataset came from, so that `evaluate RUN` finds it: a folder, or null for the embedded one. */
  readonly data?: string | null;
  /** Whether the dataset is all of that, with nothing held out, see `withNothingHeldOut`. */
  readonly everything?: boolean;
  /** Called with what is damaged in a resumed run and what happens instead. By default it is printed to stderr. */
  readonly warn?: (fault: string) => void;
}

/** Keeps a run in a folder; docs/runs.md lists its files. While it is trained, no other process can train it. */
export class RunFolder implements RunStore {
  #held: { lock: RunLock; log: RunLog } | undefined;
  #recovery: Recovery | undefined;

  constructor(
    readonly name: string,
    private readonly options: RunFolderOptions = {},
  ) {}

  checkVacant(): void {
    refuseTaken(this.name);
  }

  load(): ResumableCheckpoint {
    if (!this.#held) refuseHeld(this.name);
    this.#recovery = recover(this.name);
    return this.#recovery.checkpoint;
  }

  best(): Checkpoint | undefined {
    return existsSync(join(this.name, 'best.safetensors')) ? loadCheckpoint(this.name, 'best') : undefined;
  }

  begin({ gpu, config, dataset, resumed }: SessionStart): void {
    const { data, everything, warn = console.warn } = this.options;
    const names = data ? itemNames(data) : { titles: dataset.titles ?? new Map(), originals: new Map() };
    const lock = resumed ? RunLock.take(this.name) : createRun(this.name);
    try {
      if (resumed) {
        this.#recovery!.apply();
        for (const fault of this.#recovery!.faults) warn(fault);
      } else {
        sweep(this.name);
        if (data !== undefined) rememberSource(this.name, data, dataset, everything);
        keepNames(this.name, names, dataset);
      }
      writeConfig(this.name, config);
      beginSession(this.name, describeEnvironment(gpu));
      this.#held = { lock, log: new RunLog(this.name, resumed) };
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  save(checkpoint: ResumableCheckpoint, isBest: boolean): void {
    this.#own();
    saveCheckpoint(this.name, checkpoint, isBest);
  }

  saveDiverged(step: DivergedStep): string {
    this.#own();
    const file = join(this.name, 'diverged.safetensors');
    saveReplay(file, step);
    return `\`gsas-wgpu replay ${file}\` shows it again`;
  }

  logSteps(record: StepRecord): void {
    this.#own().steps(record);
  }

  logValidation(record: Validation): void {
    this.#own().validation(record);
  }

  end(outcome: Outcome): void {
    try {
      this.#own();
      endSession(this.name, outcome);
    } finally {
      this.#held?.lock.release();
      this.#held = undefined;
    }
  }

  /** The log, after checking that this process still holds the run. */
  #own(): RunLog {
    const { lock, log } = this.#held!;
    lock.check();
    return log;
  }
}

/** Where the run is that chose the number of epochs of a run on everything. */
export function selectionOf(run: string): string {
  return join(run, 'selection');
}

/** @throws InputError if a run is in that folder already, or a process uses it */
function refuseTaken(run: string): void {
  refuseHeld(run);
  refuseRun(run);
}

/** The file that makes a folder a run; undefined if there is none. */
export function checkpointIn(run: string): string | undefined {
  return resumableFile(run) ?? (existsSync(join(run, 'best.safetensors')) ? 'best.safetensors' : undefined);
}

function refuseRun(run: string): void {
  const found = resumableFile(run);
  if (found !== undefined) {
    throw new InputError(
      `${run}: a run is there already (${found}); add --resume to go on with it, or choose another --out`,
    );
  }
  if (existsSync(join(run, 'best.safetensors'))) {
    throw new InputError(
      `${run}: a run is there already (best.safetensors), but no checkpoint to resume; choose another --out, and add --init-from to start from its weights`,
    );
  }
}

/**
 * Makes the folder of a new run and locks it. Call it after checking data and configuration, so that bad input leaves no folder behind.
 * @throws InputError if a run is in that folder already, a process uses it, or it cannot be made
 */
export function createRun(run: string): RunLock {
  refuseTaken(run);
  try {
    makeFolders(run);
  } catch (error) {
    throw new InputError(`${run}: this folder cannot be made: ${systemReason(error)}; choose another --out`, {
      cause: error,
    });
  }
  const lock = RunLock.take(run);
  try {
    refuseRun(run); // in case one was made in between
  } catch (error) {
    lock.release();
    throw error;
  }
  return lock;
}

/** Writes the options of the run as a file from which another run can start. The catalogue's size comes from the data. */
function writeConfig(run: string, { num_items, ...options }: TrainConfig): void {
  writeWhole(join(run, 'config.json'), [Buffer.from(`${JSON.stringify(options, null, 2)}\n`)]);
}
