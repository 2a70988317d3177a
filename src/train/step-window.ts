import type { StepRecord } from './run-store.js';

/** A record at most this often: training must not be slower for it, and a day comes to a few megabytes. */
const SECONDS_A_RECORD = 2;
/** The rate over less than this is noise. */
const LEAST_SECONDS = 0.5;

/** Puts steps together into records of about two seconds. */
export class StepWindow {
  #steps = 0;
  #loss = 0;
  #positions = 0;

  /** @param since seconds of training before the first step */
  constructor(private since: number) {}

  /** A step is done. @param tokens positions in it @param seconds of training so far @returns the record that is due now */
  add(step: number, loss: number, tokens: number, seconds: number): StepRecord | undefined {
    this.#steps++;
    this.#loss += loss;
    this.#positions += tokens;
    return seconds - this.since >= SECONDS_A_RECORD ? this.take(step, seconds) : undefined;
  }

  /** The record of the steps since the last one, `step` the latest: call it where the steps pause. */
  take(step: number, seconds: number): StepRecord | undefined {
    const elapsed = seconds - this.since;
    const record =
      this.#steps > 0 && elapsed >= LEAST_SECONDS
        ? { step, loss: this.#loss / this.#steps, positions_per_second: this.#positions / elapsed, seconds }
        : undefined;
    this.resume(seconds);
    return record;
  }

  /** Steps go on: what was in between is not their time. */
  resume(seconds: number): void {
    this.#steps = 0;
    this.#loss = 0;
    this.#positions = 0;
    this.since = seconds;
  }
}
