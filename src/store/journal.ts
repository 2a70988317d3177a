import { existsSync } from 'node:fs';
import { InputError } from '../base/errors.js';
import { appendBytes, appendSynced, parseJson, readText, writeWhole } from './files.js';

/** One line of metrics.jsonl: what was measured after `step` optimizer steps. */
export interface JournalRecord {
  readonly step: number;
  readonly [key: string]: unknown;
}

/**
 * A run's metrics file, one JSON object a line. Append a record before the checkpoint of its step is saved. Then every record up to a
 * checkpoint's step is on the disk when the checkpoint is, a resumed run writes the later ones again, and the file ends like that of an uninterrupted
 * run.
 */
export class Journal {
  /** The records that a resumed run continues from. */
  readonly kept: readonly JournalRecord[];

  /**
   * Starts the file, or continues one whose run is resumed at `resumedStep`: lines of later steps and a last line cut off by a kill are dropped. Throws an
   * InputError that names file and line for a line that is not a record.
   */
  constructor(
    readonly file: string,
    resumedStep?: number,
  ) {
    this.kept = resumedStep === undefined ? [] : readJournal(file).filter(({ step }) => step <= resumedStep);
    writeWhole(file, [Buffer.from(this.kept.map(toLine).join(''))]);
  }

  /** Adds a line and waits until it is on the disk, which takes milliseconds. For records of epochs, not of steps. */
  append(record: JournalRecord): void {
    appendSynced(this.file, toLine(record));
  }

  /** Adds a line in microseconds; a power cut may lose it. */
  note(record: JournalRecord): void {
    appendBytes(this.file, Buffer.from(toLine(record)));
  }
}

/** The records of a metrics file; none if there is no file. A last line that was cut off by a kill is left out. */
export function readJournal(file: string): JournalRecord[] {
  if (!existsSync(file)) return [];
  const lines = readText(file).split('\n').slice(0, -1);
  return lines.map((line, i) => {
    const record = parseJson(line, `${file} line ${i + 1}`);
    if (typeof (record as JournalRecord | null)?.step !== 'number') {
      throw new InputError(`${file} line ${i + 1}: ${line} is no record, it has no step; remove the line`);
    }
    return record as JournalRecord;
  });
}

function toLine(record: JournalRecord): string {
  return `${JSON.stringify(record)}\n`;
}
