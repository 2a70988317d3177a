import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { InputError } from '../base/errors.js';
import type { Settings } from '../base/options.js';
import type { Gpu } from '../engine/gpu.js';
import { NeuralRecommender } from '../infer/neural.js';
import type { Recommender } from '../infer/recommender.js';
import { openGpu } from '../node/gpu.js';
import { loadCheckpoint } from '../store/checkpoint.js';
import { baselineOf, openSource, type Source, STAND_INS, tryRecallSource } from '../store/source.js';
import { OPTION_DEFAULTS } from '../train/config.js';
import { checkpointOption, parsePath } from './arguments.js';
import { baselineSettings, takeBaselineFlags } from './baseline-flags.js';

/** What a command ranks with: a run's model, or a baseline in its place. */
export interface Subject {
  /** Its name in errors and tables: the run's path, or the baseline's name. */
  readonly label: string;
  readonly numItems: number;
  /** Whether seen items are left out unless a flag says otherwise. */
  readonly filterRated: boolean;
  /** Training steps that led to a run's weights. */
  readonly step?: number;
  /** @param device opens the command's device, for those that need one */
  recommender(device: () => Promise<Gpu>): Promise<Recommender>;
}

export interface SubjectFlags {
  model?: string;
  data?: string;
  checkpoint: 'best' | 'last';
}

/** The argument and the options that choose a subject. @param dataHelp what --data is for */
export function takeSubject(command: Command, dataHelp: string): Command {
  command
    .argument('[run]', RUN_HELP)
    .addOption(
      new Option(
        '--model <name>',
        'in place of a run, a baseline that counts the training sequences of --data (or of the embedded catalogue, whose oracle knows the truth)',
      ).choices(STAND_INS),
    );
  return takeRunOptions(takeBaselineFlags(command), dataHelp);
}

export const RUN_HELP = 'folder of a run, or a checkpoint file';

/** The options that say more of a run. @param dataHelp what --data is for */
export function takeRunOptions(command: Command, dataHelp: string): Command {
  return command.option('--data <folder>', dataHelp, parsePath).addOption(checkpointOption());
}

/** @throws InputError if both or neither of a run and a baseline are named, or a run has an option of a baseline */
export function checkSubject(run: string | undefined, flags: Pick<SubjectFlags, 'model'>): void {
  const { model } = flags;
  const [option] = Object.keys(baselineSettings(flags));
  if (run !== undefined && model !== undefined)
    throw new InputError(`--model ${model} stands in place of a run; leave out one of ${run} and --model`);
  if (run === undefined && model === undefined)
    throw new InputError(`name a run, or a baseline in its place: --model ${STAND_INS.join(' or ')}`);
  if (model === undefined && option !== undefined)
    throw new InputError(`${option} means nothing for ${run}, which is trained; leave it out`);
}

/** The subject of a command, and the folder of its data: null for the embedded catalogue, undefined if it is unknown. */
export interface Chosen {
  readonly subject: Subject;
  readonly folder: string | null | undefined;
}

export function subjectOf(run: string | undefined, flags: SubjectFlags): Chosen {
  checkSubject(run, flags);
  const { data, model, checkpoint } = flags;
  const given = data === undefined ? undefined : resolve(data);
  if (run === undefined) {
    const folder = given ?? null;
    return { subject: baselineSubject(model!, openSource(folder), baselineSettings(flags)), folder };
  }
  const subject = runSubject(run, checkpoint);
  return { subject, folder: given ?? tryRecallSource(run) };
}

export function runSubject(run: string, which: 'best' | 'last'): Subject {
  const checkpoint = loadCheckpoint(run, which);
  const { config, step } = checkpoint;
  return {
    label: run,
    numItems: config.num_items,
    filterRated: config.filter_rated,
    step,
    recommender: async (device) => NeuralRecommender.on(await device(), checkpoint),
  };
}

/** @throws InputError as `baselineOf` */
export function baselineSubject(name: string, source: Source, settings: Settings): Subject {
  const baseline = baselineOf(name, source, settings);
  return {
    label: name,
    numItems: baseline.numItems,
    filterRated: OPTION_DEFAULTS.filter_rated,
    recommender: async () => baseline,
  };
}

/** Runs work that may need a device, which is opened at the first call of the work's argument and closed at the end. */
export async function withDevice<T>(
  work: (device: () => Promise<Gpu>) => Promise<T>,
  close: (gpu: Gpu) => void | Promise<void> = (gpu) => gpu.close(),
): Promise<T> {
  let opened: Promise<Gpu> | undefined;
  try {
    return await work(() => {
      opened ??= openGpu();
      return opened;
    });
  } finally {
    await opened?.then(
      close,
      () => {}, // the work has thrown the reason why it cannot be opened
    );
  }
}
