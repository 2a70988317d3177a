import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { describeDataset } from '../data/dataset.js';
import { InputError } from '../engine/errors.js';
import { openGpu } from '../node/gpu.js';
import { loadCheckpoint } from '../train/checkpoint.js';
import { openSource, recallSource } from '../train/source.js';
import { parsePath } from './arguments.js';
import { baselineRows, evaluateCheckpoint, metricTable } from './metrics.js';

interface Flags {
  split: 'val' | 'test';
  data?: string;
  checkpoint: 'best' | 'last';
  baselines?: true;
  json?: true;
}

export function addEvaluate(program: Command): void {
  program
    .command('evaluate')
    .description('rank the held-out items of a split over the whole catalogue')
    .argument('<run>', 'folder of a run, or a checkpoint file')
    .addOption(new Option('--split <name>', 'which held-out items').choices(['val', 'test']).default('test'))
    .option('--data <folder>', 'dataset in the official layout (default: the one the run was trained on)', parsePath)
    .addOption(
      new Option('--checkpoint <name>', "which of the run's checkpoints").choices(['best', 'last']).default('best'),
    )
    .option('--baselines', 'popularity and first-order Markov counts as well, by the same evaluation')
    .option('--json', 'one JSON object a line')
    .action(runEvaluate);
}

async function runEvaluate(run: string, flags: Flags): Promise<void> {
  const checkpoint = loadCheckpoint(run, flags.checkpoint);
  const source = openSource(flags.data !== undefined ? resolve(flags.data) : recallSource(run));
  const { dataset } = source;
  const { num_items, filter_rated } = checkpoint.config;
  if (num_items !== dataset.numItems) {
    throw new InputError(
      `${run} knows ${num_items} items, but ${dataset.name} has ${dataset.numItems}; evaluate it on its own data`,
    );
  }
  const gpu = await openGpu();
  try {
    const rows = [
      { name: 'gSASRec', ...(await evaluateCheckpoint(gpu, checkpoint, dataset[flags.split])) },
      ...(flags.baselines ? baselineRows(source, flags.split, filter_rated) : []),
    ];
    if (flags.json) {
      for (const row of rows) console.log(JSON.stringify({ run, split: flags.split, step: checkpoint.step, ...row }));
      return;
    }
    console.log(describeDataset(dataset));
    console.log(
      `${flags.split} split, ${dataset[flags.split].targets.length} users, step ${checkpoint.step}, seen items ${filter_rated ? 'left out' : 'ranked too'}`,
    );
    console.log(metricTable(rows));
  } finally {
    gpu.close();
  }
}
