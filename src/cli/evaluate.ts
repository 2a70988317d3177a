import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { InputError } from '../base/errors.js';
import { describeDataset, hiddenTargets } from '../data/dataset.js';
import { comparePaired, type Measurement, type Paired } from '../data/evaluation.js';
import { METRIC_NAMES, type MetricName } from '../data/metrics.js';
import { SAMPLED_WARNING } from '../data/sampled.js';
import { DEFAULT_MEASUREMENT, evaluate } from '../infer/evaluation.js';
import { userNames } from '../store/names.js';
import { selectionOf } from '../store/run-folder.js';
import {
  baselinesOf,
  checkCatalogue,
  openSource,
  recallSource,
  runFolderOf,
  trainedOnEverything,
} from '../store/source.js';
import { checkTableFile } from '../store/table.js';
import { parseCount, parseCounts, parseNames, parseNatural, parsePath } from './arguments.js';
import { baselineSettings } from './baseline-flags.js';
import {
  bucketTable,
  evaluationObjects,
  evaluationTable,
  type Named,
  pairedTable,
  sampledTable,
} from './evaluation-output.js';
import { printJson } from './output.js';
import { writePerUser } from './per-user.js';
import {
  baselineSubject,
  checkSubject,
  runSubject,
  type Subject,
  type SubjectFlags,
  takeSubject,
  withDevice,
} from './subject.js';

interface Flags extends SubjectFlags {
  split: 'val' | 'test';
  against?: string;
  baselines?: true;
  metrics: MetricName[];
  cutoffs: number[];
  buckets: number;
  sampled?: number;
  filterSeen?: boolean;
  resamples: number;
  seed: number;
  perUser?: string;
  json?: true;
}

export function addEvaluate(program: Command): void {
  const { metrics, cutoffs, buckets, resamples, seed } = DEFAULT_MEASUREMENT;
  const command = program
    .command('evaluate')
    .description('rank the held-out items of a split over the whole catalogue, with 95 % bootstrap intervals');
  takeSubject(command, 'dataset in the official layout (default: the one the run was trained on)')
    .addOption(new Option('--split <name>', 'which held-out items').choices(['val', 'test']).default('test'))
    .option('--against <run>', 'another run or checkpoint: a paired test tells whether they differ', parsePath)
    .option(
      '--baselines',
      'popularity, first-order Markov counts and item-based neighbours as well, by the same evaluation',
    )
    .addOption(
      new Option(
        '--metrics <names>',
        `some of ${METRIC_NAMES.join(', ')}; each user has one target, so hitrate is recall and map is mrr`,
      )
        .argParser(parseNames(METRIC_NAMES))
        .default(metrics, metrics.join(',')),
    )
    .addOption(
      new Option('--cutoffs <numbers>', 'K of each metric, of coverage@K and of popularity@K (these two up to 512)')
        .argParser(parseCounts)
        .default(cutoffs, cutoffs.join(',')),
    )
    .option(
      '--buckets <count>',
      'of users, by length of the history and by popularity of the target; 0 for none',
      parseNatural,
      buckets,
    )
    .option(
      '--sampled <count>',
      'also metrics against so many sampled rivals, as some papers report; they mislead',
      parseCount,
    )
    .option('--filter-seen', "leave the items of the history out of the ranking (default: the run's filter_rated)")
    .option('--no-filter-seen', 'rank them too')
    .option('--resamples <count>', 'of the users, for intervals and the paired test', parseCount, resamples)
    .option('--seed <number>', 'of the resampling', parseNatural, seed)
    .option('--per-user <file>', "every target's rank and metrics, as .csv, .parquet or .jsonl", parsePath)
    .option('--json', 'one JSON object a line')
    .action(runEvaluate);
}

async function runEvaluate(run: string | undefined, flags: Flags): Promise<void> {
  if (flags.perUser) checkTableFile(flags.perUser);
  checkSubject(run, flags);
  const { against, split, model } = flags;
  const runs = [run, against].filter((path) => path !== undefined);
  if (flags.data === undefined) for (const path of runs) refuseUnmeasurable(path);
  const ofRuns = runs.map((path) => runSubject(path, flags.checkpoint));
  const folder = flags.data !== undefined ? resolve(flags.data) : recallCommon(runs);
  const source = openSource(folder);
  const { dataset } = source;
  const subjects = [
    ...(model === undefined ? [] : [baselineSubject(model, source, baselineSettings(flags))]),
    ...ofRuns,
  ];
  for (const { label, numItems } of subjects) checkCatalogue(label, numItems, dataset);
  const targets = dataset[split].targets.length;
  if (targets === 0) throw new InputError(`the ${split} split of ${dataset.name} is empty; choose another --split`);
  const userOf = userNames(folder, split, targets);
  const filterRated = flags.filterSeen ?? commonFilter(subjects);
  if (filterRated && hiddenTargets(dataset[split]) === targets) {
    process.stderr.write(
      'every target is in its own history, so none is found; --no-filter-seen ranks seen items too\n',
    );
  }
  const wanted = { ...measurementOf(flags), filterRated, ...(userOf && { userOf }) };
  const named: (Named & { subject?: Subject })[] = [];
  await withDevice(async (device) => {
    for (const subject of subjects) {
      const recommender = await subject.recommender(device);
      const name = subjects.length > 1 ? subject.label : recommender.name;
      named.push({
        name,
        subject,
        model: recommender.name,
        evaluation: await evaluate(recommender, dataset, split, wanted),
      });
      recommender.release();
    }
  });
  for (const baseline of flags.baselines ? baselinesOf(source) : []) {
    const { name } = baseline;
    if (named.some((one) => one.model === name)) continue;
    named.push({ name, model: name, evaluation: await evaluate(baseline, dataset, split, { ...wanted, buckets: 0 }) });
  }
  if (flags.perUser) await writePerUser(flags.perUser, named, dataset, split, userOf);
  const [first, second] = named.map(({ evaluation }) => evaluation.values);
  const paired = against === undefined ? undefined : comparePaired(first, second, wanted);
  const users = userOf ? new Set(userOf).size : targets;
  if (flags.json) {
    const common = { split, filter_seen: filterRated, users };
    const objects = named.map(({ subject, model: name, evaluation }) => {
      const of = subject?.step === undefined ? { ...(run && { run }) } : { run: subject.label, step: subject.step };
      return evaluationObjects(evaluation, { ...of, name, ...common }, flags.sampled);
    });
    const lines = [...objects.map(([whole]) => whole), ...objects.flatMap(([, ...rest]) => rest)];
    if (paired) lines.push({ ...(run ? { run } : { name: model }), against, ...common, targets, paired });
    for (const line of lines) printJson(line);
    return;
  }
  const steps = ofRuns.map(({ step }) => step).join(' and ');
  const n = (count: number) => count.toLocaleString('en-US');
  const whose = users === targets ? `${n(users)} users` : `${n(targets)} targets of ${n(users)} users`;
  const facts = [
    `${split} split`,
    whose,
    steps && `step ${steps}`,
    `seen items ${filterRated ? 'left out' : 'ranked too'}`,
  ];
  console.log(describeDataset(dataset));
  console.log(facts.filter(Boolean).join(', '));
  for (const section of sections(named, paired, flags)) console.log(`\n${section}`);
  if (flags.perUser) console.log(`\n${flags.perUser}: ranks and metrics of every target`);
}

/** The printed text, with an empty line before each part. */
function sections(named: readonly Named[], paired: Record<string, Paired> | undefined, flags: Flags): string[] {
  const { metrics, cutoffs, resamples, sampled } = flags;
  const parts = [
    [
      evaluationTable(named),
      `[low, high]: 95 % bootstrap interval (percentile, ${resamples} resamples of the users)`,
      'popularity: mean occurrences in training of the items recommended; the lower, the more novel',
      'coverage: share of the catalogue that is recommended to anybody',
    ].join('\n'),
  ];
  const [first] = named;
  const shown = metrics.slice(0, 2).map((metric) => `${metric}@${cutoffs.at(-1)}`);
  for (const by of ['length', 'popularity'] as const) {
    const buckets = first!.evaluation.buckets.filter((bucket) => bucket.by === by);
    const title = by === 'length' ? 'length of the history' : 'popularity of the target';
    if (buckets.length > 0) parts.push(`${first!.name} by ${title}:\n${bucketTable(buckets, shown)}`);
  }
  if (sampled !== undefined)
    parts.push(`against ${sampled} sampled rivals; ${SAMPLED_WARNING}:\n${sampledTable(named)}`);
  if (paired) {
    const what = 'paired by user; p of a two-sided randomisation test, not corrected for the number of metrics';
    parts.push(`${named[0].name} less ${named[1].name}, ${what}:\n${pairedTable(paired)}`);
  }
  return parts;
}

function measurementOf({
  metrics,
  cutoffs,
  buckets,
  sampled,
  resamples,
  seed,
}: Flags): Omit<Measurement, 'filterRated'> {
  return { metrics, cutoffs, buckets, resamples, seed, ...(sampled !== undefined && { sampled }) };
}

/** @throws InputError for a run that has seen what it would be measured on */
function refuseUnmeasurable(run: string): void {
  if (!trainedOnEverything(run)) return;
  throw new InputError(
    `${run} was trained on everything, held-out items included, so it has no numbers of its own; evaluate ${selectionOf(runFolderOf(run))}, which chose its epochs without them, or name data that it has not seen with --data DIR`,
  );
}

/** The data that all runs were trained on, or the embedded catalogue if there is no run. */
function recallCommon(runs: readonly string[]): string | null {
  const [first = null, ...others] = runs.map(recallSource);
  const other = others.findIndex((source) => source !== first);
  if (other >= 0) {
    const name = (source: string | null) => source ?? 'the embedded catalogue';
    throw new InputError(
      `${runs[0]} was trained on ${name(first)} but ${runs[other + 1]} on ${name(others[other])}; name the data to compare them on with --data DIR`,
    );
  }
  return first;
}

/** filter_rated of all subjects. */
function commonFilter([first, ...others]: readonly Subject[]): boolean {
  const other = others.find(({ filterRated }) => filterRated !== first.filterRated);
  if (other) {
    throw new InputError(
      `filter_rated is ${first.filterRated} in ${first.label} but not in ${other.label}; say --filter-seen or --no-filter-seen for both`,
    );
  }
  return first.filterRated;
}
