import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { GsasError, InputError } from '../base/errors.js';
import { isFolder } from '../store/files.js';
import { selectionOf } from '../store/run-folder.js';
import { bestValidation, isRun, type RunRecord, readRun, valMetric } from './run.js';

/** A run in a line. */
export interface RunSummary {
  readonly run: string;
  readonly data: string | null;
  readonly state: RunRecord['state']['state'];
  readonly why: string;
  /** The metric that picks the best checkpoint, its best value and the step of that; null before the first validation. */
  readonly metric: string;
  readonly best: number | null;
  readonly best_step: number | null;
  readonly steps: number;
  /** Training time. */
  readonly seconds: number;
  readonly started: string | null;
}

/**
 * The runs in these folders, which may be runs themselves: by data, the best first.
 * @param onDamage called with the error of a run whose files cannot be read; the run is left out
 * @throws InputError if a folder is missing or holds no run
 */
export function listRuns(folders: readonly string[], onDamage: (error: GsasError) => void): RunSummary[] {
  const runs = folders.flatMap(runsIn);
  const summaries = runs.flatMap((run) => {
    try {
      return [summarize(readRun(run))];
    } catch (error) {
      if (!(error instanceof GsasError)) throw error;
      onDamage(error);
      return [];
    }
  });
  const byData = (a: RunSummary, b: RunSummary) => (a.data ?? '').localeCompare(b.data ?? '');
  return summaries.sort((a, b) => byData(a, b) || (b.best ?? -1) - (a.best ?? -1) || a.run.localeCompare(b.run));
}

function runsIn(folder: string): string[] {
  if (!existsSync(folder)) throw new InputError(`there is no folder ${folder}; name one that holds runs`);
  if (!isFolder(folder)) throw new InputError(`${folder} is not a folder; name one that holds runs`);
  const withSelection = (run: string) => [run, selectionOf(run)].filter(isRun);
  if (isRun(folder)) return withSelection(folder);
  const found = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
    .flatMap(({ name }) => withSelection(join(folder, name)));
  if (found.length === 0)
    throw new InputError(`${folder} holds no run; \`gsas-wgpu train --out ${folder}/NAME\` makes one`);
  return found;
}

function summarize(run: RunRecord): RunSummary {
  const best = bestValidation(run);
  const metric = valMetric(run.config);
  const measured = [...run.validations, ...run.steps];
  return {
    run: run.folder,
    data: run.dataset?.name ?? null,
    ...run.state,
    metric,
    best: best?.[metric] ?? null,
    best_step: best?.step ?? null,
    steps: Math.max(0, ...measured.map(({ step }) => step)),
    seconds: Math.max(0, ...measured.map(({ seconds }) => seconds)),
    started: run.sessions[0]?.started ?? null,
  };
}
