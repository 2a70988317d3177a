import { join } from 'node:path';
import { EventFile, type Scalars } from './events.js';
import { Journal, type JournalRecord } from './journal.js';

/** One line of steps.jsonl: the steps since the line before. */
export interface StepRecord extends JournalRecord {
  /** Mean loss a position of those steps. */
  readonly loss: number;
  readonly positions_per_second: number;
  /** Training time so far. */
  readonly seconds: number;
}

/** A line of steps.jsonl at most this often: training must not be slower for it, and a day comes to a few megabytes. */
const SECONDS_A_LINE = 2;
/** The rate over less than this is noise. */
const LEAST_SECONDS = 0.5;

/**
 * What a run measures, on disk while it measures: metrics.jsonl, a line a validation; steps.jsonl, a line every two seconds; and both
 * once more for TensorBoard, whose time axis shows training time.
 */
export class RunLog {
  readonly #metrics: Journal;
  readonly #steps: Journal;
  readonly #events: EventFile;
  /** Seconds since 1970 when training time was 0: pauses between a run's sessions are left out. */
  readonly #origin: number;
  #window: { steps: number; loss: number; positions: number; since: number };

  /** Starts the files, or goes on with them: lines after `resumed.step`, and validations after `resumed.validation`, are dropped. */
  constructor(folder: string, seconds: number, resumed?: { step: number; validation: number }) {
    this.#metrics = new Journal(join(folder, 'metrics.jsonl'), resumed?.validation);
    this.#steps = new Journal(join(folder, 'steps.jsonl'), resumed?.step);
    this.#origin = Date.now() / 1000 - seconds;
    const before = [...this.#steps.kept.map(stepScalars), ...this.#metrics.kept.map(validationScalars)];
    this.#events = new EventFile(
      folder,
      before.sort((a, b) => a.step - b.step).map((scalars) => this.#timed(scalars)),
    );
    this.#window = { steps: 0, loss: 0, positions: 0, since: seconds };
  }

  /** A step is done. @param tokens positions in it @param seconds of training so far */
  step(step: number, loss: number, tokens: number, seconds: number): void {
    const window = this.#window;
    window.steps++;
    window.loss += loss;
    window.positions += tokens;
    if (seconds - window.since >= SECONDS_A_LINE) this.flush(step, seconds);
  }

  /** Writes the steps since the last line, `step` the latest: call it where the steps pause. */
  flush(step: number, seconds: number): void {
    const { steps, loss, positions, since } = this.#window;
    if (steps > 0 && seconds - since >= LEAST_SECONDS) {
      const rate = positions / (seconds - since);
      const record: StepRecord = { step, loss: loss / steps, positions_per_second: rate, seconds };
      this.#steps.note(record);
      this.#events.append(this.#timed(stepScalars(record)));
    }
    this.resume(seconds);
  }

  /** Steps go on: what was in between is not their time. */
  resume(seconds: number): void {
    this.#window = { steps: 0, loss: 0, positions: 0, since: seconds };
  }

  validation(record: JournalRecord): void {
    this.#metrics.append(record);
    this.#events.append(this.#timed(validationScalars(record)));
  }

  #timed({ step, seconds, values }: Measured): Scalars {
    return { step, wallTime: this.#origin + seconds, values };
  }
}

interface Measured extends Omit<Scalars, 'wallTime'> {
  readonly seconds: number;
}

function stepScalars(record: JournalRecord): Measured {
  const { step, loss, positions_per_second, seconds } = record as StepRecord;
  return { step, seconds, values: { 'train/loss': loss, 'train/positions_per_second': positions_per_second } };
}

/** `loss` is the epoch's mean; every number that is not the training's is a metric of the validation split. */
function validationScalars(record: JournalRecord): Measured {
  const { step, seconds, epoch, loss, lr, positions_per_second, ...metrics } = record;
  const values: Record<string, unknown> = { 'train/epoch': epoch, 'train/epoch_loss': loss, 'train/lr': lr };
  for (const [name, value] of Object.entries(metrics)) values[`val/${name}`] = value;
  const numbers = Object.entries(values).filter((entry): entry is [string, number] => typeof entry[1] === 'number');
  return { step, seconds: Number(seconds), values: Object.fromEntries(numbers) };
}
