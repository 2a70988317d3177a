import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { InputError } from '../base/errors.js';
import { type Settings, settingsOf, unknownName } from '../base/options.js';
import { quoted } from '../base/printable.js';
import { type Dataset, summarizeDataset } from '../data/dataset.js';
import { syntheticDataset } from '../data/synthetic.js';
import { BASELINES, oracle } from '../infer/baselines.js';
import type { Recommender } from '../infer/recommender.js';
import { readJson, writeWhole } from './files.js';
import { readDataset } from './layout.js';

/** A dataset and, if its true next-item probabilities are known, the recommender that knows them. */
export interface Source {
  readonly dataset: Dataset;
  readonly oracle?: Recommender;
}

/** The dataset in a folder of the official layout or, without one, the embedded synthetic catalogue. */
export function openSource(folder: string | null): Source {
  if (folder !== null) return { dataset: readDataset(folder) };
  const world = syntheticDataset();
  return { dataset: world.dataset, oracle: oracle(world) };
}

/** @param run names the model in the error. @throws InputError for data with another number of items than the model's */
export function checkCatalogue(run: string, numItems: number, dataset: Dataset): void {
  if (dataset.numItems === numItems) return;
  throw new InputError(
    `${run} knows ${numItems} items, but ${dataset.name} has ${dataset.numItems}; name its own data with --data DIR`,
  );
}

const ORACLE = 'oracle';

/** The baselines that can take the place of a run, by name. */
export const STAND_INS: readonly string[] = [...Object.keys(BASELINES), ORACLE];

/**
 * A baseline by its name.
 * @param given options, each of them one of this baseline's
 * @throws InputError for an unknown baseline, for an option that is not its own, and for the oracle of data whose truth is unknown
 */
export function baselineOf(name: string, { dataset, oracle }: Source, given: Settings = {}): Recommender {
  const baseline = Object.hasOwn(BASELINES, name) ? BASELINES[name] : undefined;
  const foreign = Object.keys(given).find((key) => !baseline || !Object.hasOwn(baseline.options, key));
  if (foreign !== undefined) {
    const owners = Object.values(BASELINES).filter(({ options }) => Object.hasOwn(options, foreign));
    throw new InputError(
      `${foreign} is ${given[foreign]}, but means nothing for the model ${name}; leave it out, or choose ${owners.map((one) => one.name).join(' or ')}`,
    );
  }
  if (baseline) return baseline.recommender(dataset, settingsOf(baseline, given));
  if (name !== ORACLE) throw unknownName('baseline', name, STAND_INS);
  if (oracle) return oracle;
  throw new InputError(
    `the oracle knows the truth of the embedded catalogue alone, not of ${dataset.name}; leave out --data, or choose another baseline`,
  );
}

/** What to compare a model with; the oracle last, if there is one. */
export function baselinesOf({ dataset, oracle }: Source): Recommender[] {
  return [
    ...Object.values(BASELINES).map((one) => one.recommender(dataset, settingsOf(one))),
    ...(oracle ? [oracle] : []),
  ];
}

const NOTE = 'run.json';

/** The folder of a run, given the folder or a checkpoint in it. */
export function runFolderOf(run: string): string {
  return statSync(run, { throwIfNoEntry: false })?.isFile() ? dirname(run) : run;
}

/**
 * Records in RUN/run.json what the run was trained on, so that `evaluate RUN` finds it: a folder, or null for the embedded dataset. A description of the
 * dataset goes with it, for reports of runs whose data has moved.
 * @param everything whether held-out items are trained on, too
 */
export function rememberSource(run: string, folder: string | null, dataset: Dataset, everything = false): void {
  const of = { name: dataset.name, ...summarizeDataset(dataset) };
  const note = { data: folder, ...(everything && { everything }), dataset: of };
  writeWhole(join(run, NOTE), [Buffer.from(`${JSON.stringify(note)}\n`)]);
}

/** Records of a copy of a run what is recorded of the run. @param from as for `recallSource` @returns false if nothing is */
export function copySource(from: string, to: string): boolean {
  const file = join(runFolderOf(from), NOTE);
  if (!existsSync(file)) return false;
  writeWhole(join(to, NOTE), [readFileSync(file)]);
  return true;
}

/** What `rememberSource` recorded; `run` is a run's folder or a checkpoint in it. @throws InputError if the record is missing or invalid */
export function recallSource(run: string): string | null {
  if (!existsSync(run)) throw new InputError(`there is no run ${run}`);
  const file = join(runFolderOf(run), NOTE);
  if (!existsSync(file))
    throw new InputError(`${file}: is missing, so the data of this run is not known; name it with --data DIR`);
  const data = (readJson(file) as { data?: unknown } | null)?.data;
  if (data !== null && typeof data !== 'string') {
    throw new InputError(
      `${file}: data is ${quoted(data)}; it must be a folder or null; name the data with --data DIR`,
    );
  }
  return data;
}

/** Whether a run was trained on the held-out items of its data, too, so that it has no numbers of its own. @param run as for `recallSource` */
export function trainedOnEverything(run: string): boolean {
  const file = join(runFolderOf(run), NOTE);
  return existsSync(file) && (readJson(file) as { everything?: unknown } | null)?.everything === true;
}

/** What `recallSource` finds, or undefined if it throws: without the data there are no titles, but ids still work. */
export function tryRecallSource(run: string): string | null | undefined {
  try {
    return recallSource(run);
  } catch (error) {
    if (error instanceof InputError) return undefined;
    throw error;
  }
}
