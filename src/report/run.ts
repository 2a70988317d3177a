import { existsSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { InputError } from '../base/errors.js';
import { checkSchema, type Schema } from '../base/schema.js';
import type { Judge } from '../kernels/score/judge.js';
import { JUDGES } from '../kernels/score/judges/index.js';
import { readJson } from '../store/files.js';
import { readJournal } from '../store/journal.js';
import { isProcessAlive } from '../store/run-lock.js';
import { readSessions, type Session } from '../store/sessions.js';
import { checkOptions, OPTION_DEFAULTS, type TrainOptions } from '../train/config.js';
import { STOP_REASONS, type StepRecord, type Validation } from '../train/run-store.js';
import { type Analysis, readAnalysis } from './analysis.js';

/** What a run's folder says about it, without weights. */
export interface RunRecord {
  readonly folder: string;
  readonly name: string;
  readonly config: Partial<TrainOptions>;
  /** The data that it was trained on, if that was recorded. */
  readonly dataset?: RunDataset;
  /** The earliest first. */
  readonly sessions: readonly Session[];
  readonly state: RunState;
  readonly validations: readonly Validation[];
  readonly steps: readonly StepRecord[];
  readonly analysis?: Analysis;
}

/** The data of a run, in numbers. */
export interface RunDataset {
  readonly name: string;
  readonly users: number;
  readonly items: number;
  readonly interactions: number;
  readonly meanLength: number;
}

/** Whether a run is still going on, or how it ended. */
export interface RunState {
  /** `finished` by early stopping or a limit; `stopped` by a person, an error or a kill. */
  readonly state: 'running' | 'finished' | 'stopped';
  /** In words; empty while it runs. */
  readonly why: string;
}

/** Whether a run's files are in the folder. */
export function isRun(folder: string): boolean {
  return existsSync(join(folder, 'config.json')) && existsSync(join(folder, 'metrics.jsonl'));
}

/** @throws InputError for a folder without a run, and for a damaged file, naming the file, the line and the value */
export function readRun(folder: string): RunRecord {
  if (!existsSync(folder)) throw new InputError(`there is no folder ${folder}; name the folder of a run`);
  if (!isRun(folder)) {
    throw new InputError(`${folder} is not the folder of a run: it holds no config.json and metrics.jsonl`);
  }
  const file = (name: string) => join(folder, name);
  const dataset = readDataset(file('run.json'));
  const sessions = readSessions(folder);
  const analysis = readAnalysis(folder);
  return {
    folder,
    name: basename(resolve(folder)),
    config: checkOptions(readJson(file('config.json')), file('config.json')),
    sessions,
    state: stateOf(sessions.at(-1), file('steps.jsonl')),
    validations: readNumbers<Validation>(file('metrics.jsonl'), VALIDATION_KEYS, METRIC_KEYS),
    steps: readNumbers<StepRecord>(file('steps.jsonl'), STEP_KEYS),
    ...(dataset && { dataset }),
    ...(analysis && { analysis }),
  };
}

const NOTE: Schema = {
  'dataset?': { name: 'string', users: 'number', items: 'number', interactions: 'number', meanLength: 'number' },
};

/** The dataset that a run's note describes, if it does. */
function readDataset(file: string): RunDataset | undefined {
  if (!existsSync(file)) return undefined;
  const note = readJson(file) as { dataset?: RunDataset };
  checkSchema(note, NOTE, file, 'remove the file, and name the data with --data DIR');
  return note.dataset;
}

export type AnalysedRun = RunRecord & { readonly analysis: Analysis };

export function analysedRuns(runs: readonly RunRecord[]): AnalysedRun[] {
  return runs.filter((run): run is AnalysedRun => run.analysis !== undefined);
}

/** Whether two runs were trained on the same data, as far as that was recorded. */
export function sameData(a: RunRecord, b: RunRecord): boolean {
  return a.dataset?.name === b.dataset?.name && a.dataset?.interactions === b.dataset?.interactions;
}

/** Names of runs: their folders' names, or paths if those are the same. */
export function distinguish(runs: readonly RunRecord[]): RunRecord[] {
  return runs.map((run) => {
    const shared = runs.some((other) => other !== run && other.name === run.name);
    return shared ? { ...run, name: run.folder } : run;
  });
}

/**
 * The validation whose weights are in best.safetensors. One within an epoch counts only if no epoch was completed; without validation users it is the
 * last one.
 */
export function bestValidation({ validations, config }: RunRecord): Validation | undefined {
  const whole = validations.filter(({ epoch }) => Number.isInteger(epoch));
  const metric = valMetric(config);
  const measured = (whole.length > 0 ? whole : validations).filter((one) => one[metric] !== undefined);
  if (measured.length === 0) return validations.at(-1);
  return measured.reduce((best, next) => (next[metric]! > best[metric]! ? next : best));
}

/** What judged the scores in training. */
export function judgeOf({ config }: RunRecord): Judge {
  return JUDGES[config.loss ?? OPTION_DEFAULTS.loss];
}

/** Whether there was somebody to validate on. */
export function isValidated({ validations }: RunRecord): boolean {
  return validations.some((one) => one['ndcg@10'] !== undefined);
}

export function valMetric(config: Partial<TrainOptions>): TrainOptions['val_metric'] {
  return config.val_metric ?? OPTION_DEFAULTS.val_metric;
}

/** What was recorded every two seconds or, if a run was too short for that, with its validations. */
export function measurements({ steps, validations }: RunRecord): readonly (StepRecord | Validation)[] {
  return steps.length > 1 || validations.length === 0 ? steps : validations;
}

/** Median positions per second, which a temporarily busy machine does not change; undefined before the first measurement. */
export function medianRate(run: RunRecord): number | undefined {
  const rates = measurements(run).map(({ positions_per_second }) => positions_per_second);
  return rates.sort((a, b) => a - b)[rates.length >> 1];
}

const STEP_KEYS = ['step', 'loss', 'seconds', 'positions_per_second'];
const VALIDATION_KEYS = [...STEP_KEYS, 'epoch'];
const METRIC_KEYS = ['ndcg@10', 'recall@1', 'recall@10'];

/** The records of a file whose lines have a number for each key, and for all or none of `optional`. */
function readNumbers<Line>(file: string, keys: readonly string[], optional: readonly string[] = []): Line[] {
  const records = readJournal(file);
  records.forEach((record, i) => {
    const expected = optional.some((key) => key in record) ? [...keys, ...optional] : keys;
    const bad = expected.find((key) => typeof record[key] !== 'number');
    if (bad !== undefined) {
      throw new InputError(
        `${file} line ${i + 1}: ${bad} is ${JSON.stringify(record[bad])}; it must be a number; remove the line`,
      );
    }
  });
  return records as unknown as Line[];
}

function stateOf(latest: Session | undefined, heartbeat: string): RunState {
  if (latest === undefined) return { state: 'stopped', why: 'how it ended was not noted' };
  const { stopped, error } = latest;
  if (stopped === undefined) {
    return isAlive(latest, heartbeat) ? { state: 'running', why: '' } : { state: 'stopped', why: 'killed' };
  }
  if (stopped === 'failed') return { state: 'stopped', why: `failed: ${error ?? 'no message was noted'}` };
  return { state: stopped === 'aborted' ? 'stopped' : 'finished', why: STOP_REASONS[stopped] };
}

/** Steps are recorded every two seconds, but a validation can take minutes. */
const SILENCE_SECONDS = 600;

/** Whether the session's process exists; on another machine, whether it wrote within the last ten minutes. */
function isAlive({ host, pid, started }: Session, heartbeat: string): boolean {
  if (host !== hostname()) {
    const seen = existsSync(heartbeat) ? statSync(heartbeat).mtimeMs : Date.parse(started);
    return Date.now() - seen < 1000 * SILENCE_SECONDS;
  }
  return isProcessAlive(pid);
}
