import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { InputError } from '../base/errors.js';
import { loadCheckpoint } from '../store/checkpoint.js';
import { type ConfigFile, readConfigFile } from '../store/config-file.js';
import { itemNames, modelNames, renumbering } from '../store/names.js';
import { selectionOf } from '../store/run-folder.js';
import { openSource, recallSource, tryRecallSource } from '../store/source.js';
import type { TrainOptions } from '../train/config.js';
import { presetOptions } from '../train/presets.js';
import { parsePath, presetOption } from './arguments.js';
import { addConfigFlags } from './config-flags.js';
import { trainFinal } from './train-final.js';
import { type TrainJob, trainOnce } from './train-run.js';

interface Flags {
  data?: string;
  out?: string;
  preset?: string;
  config?: string;
  resume?: true;
  final?: true;
  initFrom?: string;
  dryRun?: true;
  onDeviceLost: 'resume' | 'stop';
  watch?: true;
  report: boolean;
}

export function addTrain(program: Command): void {
  const command = program
    .command('train')
    .description(
      'train a model, gSASRec by default; without --data, on an embedded synthetic catalogue whose best possible ranking is known',
    )
    .option(
      '--data <folder>',
      'dataset in the official layout: train/input.txt, val/, test/, dataset_stats.json',
      parsePath,
    )
    .option('--out <folder>', 'folder of the run (default: a new one in runs/, named after the data)', parsePath)
    .option(
      '--final',
      'choose the number of epochs on the validation split, then train as long on everything, last items included',
    )
    .option('--resume', 'go on with the run in --out, to the same bits as if it had never stopped')
    .option(
      '--config <file>',
      'YAML or JSON with the options below (their keys with _ for -), and preset, data and out; flags override it',
      parsePath,
    )
    .option(
      '--init-from <run>',
      "start from a run's best or a checkpoint file; the catalogue may have grown",
      parsePath,
    )
    .option('--dry-run', 'print the configuration, the memory and the time that it takes; train and write nothing')
    .addOption(
      new Option('--on-device-lost <what>', 'resume goes on from the last checkpoint, if there is one, on a new device')
        .choices(['resume', 'stop'])
        .default('resume'),
    )
    .option('--watch', 'serve a page on this machine that shows the run as it goes on')
    .option('--no-report', 'do not write report.html at the end, which takes some seconds')
    .addOption(presetOption());
  const optionsOf = addConfigFlags(command);
  command.action((flags: Flags & Record<string, unknown>) => runTrain(flags, optionsOf(flags)));
}

async function runTrain(flags: Flags, given: Partial<TrainOptions>): Promise<void> {
  const resume = flags.resume ?? false;
  const file: ConfigFile = flags.config ? readConfigFile(flags.config) : { options: {} };
  const { data: folder, out: run, preset: chosen, initFrom } = { ...file, ...flags };
  if (resume && !run) throw new InputError('--resume needs --out, the folder of the run to go on with');
  const final = flags.final ?? (resume && existsSync(selectionOf(run!)));
  const data = folder
    ? resolve(folder)
    : resume
      ? resumedData(run!)
      : (dataOf(flags.config) ?? dataOf(initFrom) ?? null);
  const source = openSource(data);
  const preset = chosen ?? (data === null && !resume && !initFrom ? 'synthetic' : undefined);
  const options = [preset ? presetOptions(preset) : {}, file.options, given];
  const out = run ?? freshRun(source.dataset.name);
  const renumber = initFrom ? renumbering(modelNames(initFrom, tryRecallSource(initFrom)), itemNames(data)) : undefined;
  const start = {
    options,
    ...(initFrom && { initFrom: loadCheckpoint(initFrom) }),
    ...(renumber && { numberOf: renumber }),
  };
  const job: TrainJob = { source, data, out, start, resume, flags };
  await (final ? trainFinal(job) : trainOnce(job));
}

/** The data of a run: of the one that chooses its epochs, where that is all there is of it yet. */
function resumedData(run: string): string | null {
  const selection = selectionOf(run);
  return recallSource(dataOf(run) === undefined && existsSync(selection) ? selection : run);
}

/** The data of a run that is named by its folder or a file in it; undefined where there is none, or it does not tell. */
function dataOf(run: string | undefined): string | null | undefined {
  return run === undefined ? undefined : tryRecallSource(run);
}

/** A folder for a run without --out: runs/NAME, or the first of runs/NAME-2, runs/NAME-3, … that does not exist. */
function freshRun(name: string): string {
  for (let n = 1; ; n++) {
    const folder = n === 1 ? `runs/${name}` : `runs/${name}-${n}`;
    if (!existsSync(folder)) return folder;
  }
}
