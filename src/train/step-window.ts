import type { StepRecord } from './run-store.js';

/** The shortest time between two records: training must not slow down, and a day must stay within a few megabytes. */
const SECONDS_A_RECORD = 2;
/** A rate over less time than this is noise. */
const LEAST_SECONDS = 0.5;

/** Combines steps into records of about two seconds. */
export class StepWindow {
  #steps = 0;
  #loss = 0;
  #positions = 0;

  /** @param since seconds of training before the first step */
  constructor(private since: number) {}

  /** Adds a step. @param tokens positions in it @param seconds of training so far @returns a record, if one is due */
  add(step: number, loss: number, tokens: number, seconds: number): StepRecord | undefined {
    this.#steps++;
    this.#loss += loss;
    this.#positions += tokens;
    return seconds - this.since >= SECONDS_A_RECORD ? this.take(step, seconds) : undefined;
  }

  /** The record of the steps since the last record, up to `step`. Call it where training pauses. */
  take(step: number, seconds: number): StepRecord | undefined {
    const elapsed = seconds - this.since;
    const record =
      this.#steps > 0 && elapsed >= LEAST_SECONDS
        ? { step, loss: this.#loss / this.#steps, positions_per_second: this.#positions / elapsed, seconds }
        : undefined;
    this.resume(seconds);
    return record;
  }

  /** Training goes on. The time in between does not count. */
  resume(seconds: number): void {
    this.#steps = 0;
    this.#loss = 0;
    this.#positions = 0;
    this.since = seconds;
  }
}
