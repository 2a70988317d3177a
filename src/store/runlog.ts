import { join } from 'node:path';
import type { ResumePoint, StepRecord, Validation } from '../train/run-store.js';
import { EventFile, type Scalars } from './events.js';
import { Journal, type JournalRecord } from './journal.js';

/**
 * Writes what a run measures to disk as it goes: metrics.jsonl, a line per validation; steps.jsonl, a line every two seconds; and both again for
 * TensorBoard, whose time axis shows training time.
 */
export class RunLog {
  readonly #metrics: Journal;
  readonly #steps: Journal;
  readonly #events: EventFile;
  /** The time, in seconds since 1970, at which training time is 0. Pauses between a run's sessions are left out. */
  readonly #origin: number;

  /** Starts the files, or continues them. */
  constructor(folder: string, resumed?: ResumePoint) {
    this.#metrics = new Journal(join(folder, 'metrics.jsonl'), resumed?.validation);
    this.#steps = new Journal(join(folder, 'steps.jsonl'), resumed?.step);
    this.#origin = Date.now() / 1000 - (resumed?.seconds ?? 0);
    const before = [...this.#steps.kept.map(stepScalars), ...this.#metrics.kept.map(validationScalars)];
    this.#events = new EventFile(
      folder,
      before.sort((a, b) => a.step - b.step).map((scalars) => this.#timed(scalars)),
    );
  }

  steps(record: StepRecord): void {
    this.#steps.note({ ...record });
    this.#events.append(this.#timed(stepScalars({ ...record })));
  }

  validation(record: Validation): void {
    this.#metrics.append({ ...record });
    this.#events.append(this.#timed(validationScalars({ ...record })));
  }

  #timed({ step, seconds, values }: Measured): Scalars {
    return { step, wallTime: this.#origin + seconds, values };
  }
}

interface Measured extends Omit<Scalars, 'wallTime'> {
  readonly seconds: number;
}

function stepScalars(record: JournalRecord): Measured {
  const { step, loss, positions_per_second, seconds } = record as unknown as StepRecord;
  return { step, seconds, values: { 'train/loss': loss, 'train/positions_per_second': positions_per_second } };
}

/** `loss` is the epoch's mean. Every number that does not belong to training is a metric of the validation split. */
function validationScalars(record: JournalRecord): Measured {
  const { step, seconds, epoch, loss, lr, positions_per_second, ...metrics } = record;
  const values: Record<string, unknown> = { 'train/epoch': epoch, 'train/epoch_loss': loss, 'train/lr': lr };
  for (const [name, value] of Object.entries(metrics)) values[`val/${name}`] = value;
  const numbers = Object.entries(values).filter((entry): entry is [string, number] => typeof entry[1] === 'number');
  return { step, seconds: Number(seconds), values: Object.fromEntries(numbers) };
}
