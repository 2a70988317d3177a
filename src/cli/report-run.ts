import { GsasError, InputError } from '../engine/errors.js';
import { Gpu } from '../engine/gpu.js';
import { openAdapter } from '../node/adapter.js';
import { restDuring } from '../node/rest.js';
import { analyse } from '../report/analyse.js';
import { readAnalysis, writeAnalysis } from '../report/analysis.js';
import { writeReport } from '../report/report.js';
import { readRun } from '../report/run.js';
import { loadCheckpoint } from '../train/checkpoint.js';
import { itemNames, userNames } from '../train/names.js';
import { openSource, recallSource } from '../train/source.js';

/** Measures a run's best weights for its report, unless that has been done, on a device of its own: one that times kernels. */
async function analyseRun(run: string): Promise<void> {
  const checkpoint = loadCheckpoint(run);
  if (readAnalysis(run)?.step === checkpoint.step) return;
  const folder = recallSource(run);
  const source = openSource(folder);
  const { num_items } = checkpoint.config;
  if (num_items !== source.dataset.numItems) {
    throw new InputError(
      `${run} knows ${num_items} items, but its data in ${folder} has ${source.dataset.numItems} by now`,
    );
  }
  const { adapter } = await openAdapter();
  const gpu = await Gpu.open(adapter, { onWait: restDuring, profile: adapter.features.has('timestamp-query') });
  try {
    const names = { items: itemNames(folder), users: userNames(folder, 'test', source.dataset.test.targets.length) };
    writeAnalysis(run, await analyse(gpu, checkpoint, source, names));
  } finally {
    gpu.close();
  }
}

/** The same for a report that is written without it where it cannot be done: why is told on stderr. */
export async function tryAnalyse(run: string): Promise<void> {
  await analyseRun(run).catch((error) => {
    if (!(error instanceof GsasError)) throw error;
    process.stderr.write(`${run} is reported without intervals, calibration and examples: ${error.message}\n`);
  });
}

/**
 * Writes report.html at the end of a training, first from what is there: an analysis takes seconds, in which it may be interrupted.
 * @returns the file; undefined where nothing has been validated that could be reported
 */
export async function reportTraining(run: string, aborted: boolean): Promise<string | undefined> {
  if (readRun(run).validations.length === 0) return undefined;
  const file = await writeReport([run]);
  if (aborted) return file;
  await tryAnalyse(run);
  return writeReport([run]);
}
