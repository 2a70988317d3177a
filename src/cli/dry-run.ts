import { stringify } from 'yaml';
import { describeDataset } from '../data/dataset.js';
import { openAdapter } from '../node/adapter.js';
import { openGpu } from '../node/gpu.js';
import { estimateTraining } from '../train/estimate.js';
import type { PlanRequest, TrainPlan } from '../train/plan.js';
import { formatDuration, type ProgressLimits } from '../train/progress.js';

/** Prints the configuration of a run and what the run will take. Trains a few steps and writes nothing. */
export async function dryRun({ dataset }: PlanRequest, plan: TrainPlan, limits: ProgressLimits): Promise<void> {
  const { num_items: _, ...options } = plan.config;
  const { name, why } = await openAdapter();
  const gpu = await openGpu();
  try {
    const { parameters, deviceBytes, stepSeconds, stepsPerEpoch } = await estimateTraining(gpu, plan);
    // The limit that comes first counts, in steps or in time.
    const steps = Math.min(limits.steps ?? Infinity, Math.ceil((limits.seconds ?? Infinity) / stepSeconds));
    const longest = Math.min(steps * stepSeconds, limits.seconds ?? Infinity);
    const rows = [
      ['data', describeDataset(dataset)],
      ['adapter', `${name} (${why})`],
      ['parameters', parameters.toLocaleString('en-US')],
      ['memory', `${(deviceBytes / 2 ** 20).toFixed(0)} MiB of the device, for the largest batch`],
      ['a step', `${(1000 * stepSeconds).toFixed(0)} ms, here and now`],
      ['an epoch', `${stepsPerEpoch} steps, ${formatDuration(stepsPerEpoch * stepSeconds)} without its validation`],
      [
        'at most',
        `${Number.isFinite(steps) ? steps.toLocaleString('en-US') : 'any number of'} steps, ${formatDuration(longest)}; early stopping may end it sooner`,
      ],
    ];
    for (const notice of plan.notices) rows.push(['note', notice]);
    console.log(rows.map(([key, value]) => `# ${key!.padEnd(11)}${value}`).join('\n'));
    console.log(stringify(options).trimEnd());
  } finally {
    gpu.close();
  }
}
