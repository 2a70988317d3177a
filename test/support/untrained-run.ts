import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { initialParameters } from '../../src/model/parameters.js';
import { saveCheckpoint } from '../../src/store/resumable.js';
import { LOOP_START } from '../../src/train/checkpoint.js';
import { resolveConfig, type TrainOptions } from '../../src/train/config.js';
import { dataset } from './small.js';

export interface UntrainedRun {
  options: Partial<TrainOptions>;
  /** The folder of its data. */
  data: string;
  seed?: number;
  /** The step in its checkpoints. */
  step?: number;
}

/** Writes the folder of a run on the small catalogue with an untrained model. */
export function writeUntrainedRun(folder: string, { options, data, seed = 1, step = 0 }: UntrainedRun): void {
  mkdirSync(folder, { recursive: true });
  const config = resolveConfig(dataset.numItems, [options]);
  const weights = initialParameters(config, { seed });
  const zeros = new Map(
    [...weights].map(([name, { shape, data }]) => [name, { shape, data: new Float32Array(data.length) }]),
  );
  const state = { config, step, epoch: 0, metrics: {}, weights, slots: { m: zeros, v: zeros }, loop: LOOP_START };
  saveCheckpoint(folder, state, true);
  writeFileSync(join(folder, 'run.json'), JSON.stringify({ data }));
}
