import { GsasError } from '../base/errors.js';
import { Gpu } from '../engine/gpu.js';
import { openAdapter } from '../node/adapter.js';
import { restDuring } from '../node/rest.js';
import { analyseRun } from '../report/analyse-run.js';
import { readAnalysis } from '../report/analysis.js';
import { writeReport } from '../report/report.js';
import { readRun } from '../report/run.js';

/** A device that times kernels, if the adapter can. */
async function openProfiling(): Promise<Gpu> {
  const { adapter } = await openAdapter();
  return Gpu.open(adapter, { onWait: restDuring, profile: adapter.features.has('timestamp-query') });
}

/** Analyses a run for its report. If that fails, the report is written without it, and the reason goes to stderr. */
export async function tryAnalyse(run: string): Promise<void> {
  await analyseRun(run, openProfiling).catch((error) => {
    if (!(error instanceof GsasError)) throw error;
    const missing = readAnalysis(run)
      ? 'what an earlier version did not measure'
      : 'intervals, calibration and examples';
    process.stderr.write(`${run} is reported without ${missing}: ${error.message}\n`);
  });
}

/**
 * Writes report.html at the end of training. It is written once before the analysis, which takes seconds and may be interrupted.
 * @returns the file; undefined if there was no validation to report
 */
export async function reportTraining(run: string, aborted: boolean): Promise<string | undefined> {
  if (readRun(run).validations.length === 0) return undefined;
  try {
    const file = await writeReport([run]);
    if (aborted) return file;
    await tryAnalyse(run);
    return await writeReport([run]);
  } catch (error) {
    if (!(error instanceof GsasError)) throw error;
    process.stderr.write(`${run} has no report: ${error.message}\n`); // training itself succeeded
    return undefined;
  }
}
