import { InputError } from '../base/errors.js';
import type { Checkpoint, ResumableCheckpoint } from './checkpoint.js';
import type { Outcome, RunStore, SessionStart, StepRecord, Validation } from './run-store.js';

/** Keeps a run in memory for as long as this object lives. The run can be resumed, and nothing is written. */
export class MemoryStore implements RunStore {
  readonly name = 'the run in memory';
  #last: ResumableCheckpoint | undefined;
  #best: Checkpoint | undefined;
  #steps: StepRecord[] = [];
  #validations: Validation[] = [];
  #outcome: Outcome | undefined;

  get steps(): readonly StepRecord[] {
    return this.#steps;
  }

  get validations(): readonly Validation[] {
    return this.#validations;
  }

  /** How the latest session ended; undefined while one is running. */
  get outcome(): Outcome | undefined {
    return this.#outcome;
  }

  checkVacant(): void {
    if (this.#last)
      throw new InputError(`${this.name} has begun already; resume it, or start another in another store`);
  }

  load(): ResumableCheckpoint {
    if (this.#last) return this.#last;
    throw new InputError(`${this.name} has no checkpoint, so there is nothing to resume; start it without resume`);
  }

  best(): Checkpoint | undefined {
    return this.#best;
  }

  begin({ resumed }: SessionStart): void {
    if (!resumed) this.checkVacant();
    this.#outcome = undefined;
    this.#steps = this.#steps.filter(({ step }) => resumed && step <= resumed.step);
    this.#validations = this.#validations.filter(({ step }) => resumed && step <= resumed.validation);
  }

  save(checkpoint: ResumableCheckpoint, isBest: boolean): void {
    this.#last = checkpoint;
    if (!isBest) return;
    const { slots, loop, ...best } = checkpoint;
    this.#best = best;
  }

  logSteps(record: StepRecord): void {
    this.#steps.push(record);
  }

  logValidation(record: Validation): void {
    this.#validations.push(record);
  }

  end(outcome: Outcome): void {
    this.#outcome = outcome;
  }
}
