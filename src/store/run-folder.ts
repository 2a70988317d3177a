import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Checkpoint, ResumableCheckpoint } from '../train/checkpoint.js';
import type { TrainConfig } from '../train/config.js';
import type { Outcome, RunStore, SessionStart, StepRecord, Validation } from '../train/run-store.js';
import { createRun, loadCheckpoint, loadResumable, refuseTaken, saveCheckpoint } from './checkpoint.js';
import { describeEnvironment } from './environment.js';
import { writeWhole } from './files.js';
import { RunLog } from './runlog.js';
import { beginSession, endSession } from './sessions.js';
import { rememberSource } from './source.js';

/** What a run's folder notes besides the run. */
export interface RunFolderOptions {
  /** Where the dataset came from, so that `evaluate RUN` finds it: a folder, or null for the embedded one. */
  readonly data?: string | null;
}

/** A run that is kept in a folder, docs/runs.md says in which files. */
export class RunFolder implements RunStore {
  #log: RunLog | undefined;

  constructor(
    readonly name: string,
    private readonly options: RunFolderOptions = {},
  ) {}

  checkVacant(): void {
    refuseTaken(this.name);
  }

  load(): ResumableCheckpoint {
    return loadResumable(this.name);
  }

  best(): Checkpoint | undefined {
    return existsSync(join(this.name, 'best.safetensors')) ? loadCheckpoint(this.name, 'best') : undefined;
  }

  begin({ gpu, config, dataset, resumed }: SessionStart): void {
    const { data } = this.options;
    if (!resumed) {
      createRun(this.name);
      if (data !== undefined) rememberSource(this.name, data, dataset);
    }
    writeConfig(this.name, config);
    beginSession(this.name, describeEnvironment(gpu));
    this.#log = new RunLog(this.name, resumed);
  }

  save(checkpoint: ResumableCheckpoint, isBest: boolean): void {
    saveCheckpoint(this.name, checkpoint, isBest);
  }

  logSteps(record: StepRecord): void {
    this.#log!.steps(record);
  }

  logValidation(record: Validation): void {
    this.#log!.validation(record);
  }

  end(outcome: Outcome): void {
    endSession(this.name, outcome);
  }
}

/** The options of the run, as a file that another run can be started from; the catalogue's size comes from the data. */
function writeConfig(run: string, { num_items, ...options }: TrainConfig): void {
  writeWhole(join(run, 'config.json'), [Buffer.from(`${JSON.stringify(options, null, 2)}\n`)]);
}
