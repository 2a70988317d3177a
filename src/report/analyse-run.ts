import type { Gpu } from '../engine/gpu.js';
import { loadCheckpoint } from '../store/checkpoint.js';
import { modelNames, userNames } from '../store/names.js';
import { checkCatalogue, openSource, recallSource, trainedOnEverything } from '../store/source.js';
import { readTies } from '../store/stats.js';
import { analyse } from './analyse.js';
import { readAnalysis, writeAnalysis } from './analysis.js';

/**
 * Measures a run's best weights on its data's test split for the run's report, unless that has been done: intervals, calibration, examples; also GPU time
 * by kernel, if the device was opened with `profile`. There is nothing to measure of a run that was trained on the test split, too.
 * @param open called if there is something to measure; the device is closed afterwards
 * @throws InputError if the run has no checkpoint, or its data is unknown or has changed; what `open` throws
 */
export async function analyseRun(run: string, open: () => Promise<Gpu>): Promise<void> {
  if (trainedOnEverything(run)) return;
  const checkpoint = loadCheckpoint(run);
  const known = readAnalysis(run);
  if (known?.step === checkpoint.step && known.data) return; // earlier versions measured less
  const folder = recallSource(run);
  const source = openSource(folder);
  checkCatalogue(run, checkpoint.config.num_items, source.dataset);
  const ties = folder === null ? null : readTies(folder);
  const gpu = await open();
  try {
    const names = {
      items: modelNames(run, folder),
      users: userNames(folder, 'test', source.dataset.test.targets.length),
    };
    writeAnalysis(run, await analyse(gpu, checkpoint, source, names, ties));
  } finally {
    gpu.close();
  }
}
