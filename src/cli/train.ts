import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { InputError } from '../base/errors.js';
import { describeDataset } from '../data/dataset.js';
import type { Gpu } from '../engine/gpu.js';
import { NeuralRecommender } from '../infer/neural.js';
import type { Recommender } from '../infer/recommender.js';
import { openAdapter } from '../node/adapter.js';
import { openGpu } from '../node/gpu.js';
import { loadCheckpoint } from '../store/checkpoint.js';
import { type ConfigFile, readConfigFile } from '../store/config-file.js';
import { itemNames, modelNames, renumbering } from '../store/names.js';
import { RunFolder } from '../store/run-folder.js';
import { baselinesOf, openSource, recallSource, type Source, tryRecallSource } from '../store/source.js';
import type { TrainOptions } from '../train/config.js';
import { planTraining, type TrainPlan } from '../train/plan.js';
import { presetOptions } from '../train/presets.js';
import { formatDuration, Progress, type ProgressLimits } from '../train/progress.js';
import { STOP_REASONS, type Validation } from '../train/run-store.js';
import { type TrainResult, train } from '../train/train.js';
import { parsePath, presetOption } from './arguments.js';
import { addConfigFlags } from './config-flags.js';
import { dryRun } from './dry-run.js';
import { ECHO_MS, exitCodeOf } from './interrupt.js';
import { formatMetric, metricRow, metricTable } from './metrics.js';
import { reportTraining } from './report-run.js';
import { tuneAtFirstUse } from './tune.js';
import { watchBeside } from './watch.js';

interface Flags {
  data?: string;
  out?: string;
  preset?: string;
  config?: string;
  resume?: true;
  initFrom?: string;
  dryRun?: true;
  watch?: true;
  report: boolean;
}

export function addTrain(program: Command): void {
  const command = program
    .command('train')
    .description(
      'train gSASRec; without --data, on an embedded synthetic catalogue whose best possible ranking is known',
    )
    .option(
      '--data <folder>',
      'dataset in the official layout: train/input.txt, val/, test/, dataset_stats.json',
      parsePath,
    )
    .option('--out <folder>', 'folder of the run (default: a new one in runs/, named after the data)', parsePath)
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
  const data = folder ? resolve(folder) : resume ? recallSource(run!) : null;
  const source = openSource(data);
  const preset = chosen ?? (data === null && !resume && !initFrom ? 'synthetic' : undefined);
  const options = [preset ? presetOptions(preset) : {}, file.options, given];
  const out = run ?? freshRun(source.dataset.name);
  const renumber = initFrom ? renumbering(modelNames(initFrom, tryRecallSource(initFrom)), itemNames(data)) : undefined;
  const request = {
    ...{ dataset: source.dataset, options, store: new RunFolder(out, { data }), resume },
    ...(initFrom && { initFrom: loadCheckpoint(initFrom) }),
    ...(renumber && { numberOf: renumber }),
  };
  const plan = await planTraining(request); // bad input is reported before looking for a GPU
  const limits = limitsOf(plan);
  if (flags.dryRun) return dryRun(request, plan, limits);

  const { name, why } = await openAdapter();
  const gpu = await openGpu();
  const progress = new Progress(process.stdout, limits);
  const interrupt = new AbortController();
  let asked = 0;
  let page: ReturnType<typeof watchBeside> | undefined;
  const stop = (signal: 'SIGINT' | 'SIGTERM') => {
    if (interrupt.signal.aborted && performance.now() - asked > ECHO_MS) process.exit(exitCodeOf(signal));
    if (interrupt.signal.aborted) return;
    asked = performance.now();
    progress.print('saving and stopping (once more to stop at once)');
    interrupt.abort();
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  progress.print(describeDataset(source.dataset));
  progress.print(`adapter: ${name} (${why})`);
  for (const notice of plan.notices) progress.print(notice);
  try {
    const result = await train({
      ...request,
      gpu,
      signal: interrupt.signal,
      onPrepared: () => tuneAtFirstUse(gpu, (line) => progress.print(line)),
      onStep: (state) => {
        if (flags.watch) page ??= watchBeside(out); // the run's folder exists by the first step
        progress.update(state);
      },
      onValidation: (validation) => progress.print(describe(validation)),
    }).finally(() => process.off('SIGINT', stop).off('SIGTERM', stop));
    progress.print(
      `stopped after ${result.steps} steps, ${formatDuration(result.seconds)}: ${STOP_REASONS[result.stopped]}`,
    );
    progress.print(await closing(gpu, result, source, out));
    const aborted = result.stopped === 'aborted';
    if (!aborted) gpu.close(); // the report opens another device, which times kernels
    const report = flags.report && (await reportTraining(out, aborted));
    if (report) progress.print(`report: ${report}`);
    if (aborted) process.exit(); // a device that still compiles shaders would delay the end
  } finally {
    progress.clear();
    gpu.close();
    if (page?.connected) page.disconnect();
  }
}

/** A folder for a run without --out: runs/NAME, or the first of runs/NAME-2, runs/NAME-3, … that does not exist. */
function freshRun(name: string): string {
  for (let n = 1; ; n++) {
    const folder = n === 1 ? `runs/${name}` : `runs/${name}-${n}`;
    if (!existsSync(folder)) return folder;
  }
}

/** The most that is left to do, for the remaining time on the progress line. */
function limitsOf({ config: { max_epochs, max_steps, max_minutes }, saved, batches }: TrainPlan): ProgressLimits {
  return {
    steps: Math.min(max_epochs * batches.perEpoch, max_steps ?? Infinity) - (saved?.step ?? 0),
    seconds: max_minutes === null ? null : 60 * max_minutes,
  };
}

function describe(validation: Validation): string {
  const { epoch, step, loss, seconds, positions_per_second, skipped } = validation;
  return [
    `epoch ${Number(epoch.toFixed(2))}`,
    `step ${step}`,
    `loss ${loss.toFixed(4)}`,
    ...(['ndcg@10', 'recall@1', 'recall@10'] as const).flatMap((name) => {
      const value = validation[name];
      return value === undefined ? [] : [`${name} ${formatMetric(value)}`];
    }),
    `${Math.round(positions_per_second)} positions/s`,
    formatDuration(seconds),
    ...(skipped ? [`${skipped} steps skipped`] : []),
  ].join('  ');
}

/** The last lines of a run: if the truth is known, how close the model has come to it; then what to type next. */
async function closing(gpu: Gpu, { stopped, best }: TrainResult, source: Source, out: string): Promise<string> {
  if (stopped === 'aborted') return `to go on:  npx gsas-wgpu train --resume --out ${out}`;
  if (!best) return '';
  const { val, test } = source.dataset;
  const what = val.targets.length > 0 ? 'best validation at' : 'the weights of';
  const lines = [`${what} step ${best.step}: ${out}/best.safetensors`];
  if (source.oracle) {
    const recommender = NeuralRecommender.on(gpu, best);
    const row = (one: Recommender) => metricRow(one, test, best.config.filter_rated);
    const model = { ...(await row(recommender)), name: `${recommender.name} (this run)` };
    recommender.release();
    const others = await Promise.all(baselinesOf(source).map(row));
    const oracle = others.pop();
    const share = (100 * model['ndcg@10']) / oracle!['ndcg@10'];
    lines.push(
      `\nthe held-out next items of ${test.targets.length} users, the whole catalogue ranked:`,
      metricTable([...others, model, oracle!]),
      `\nNDCG@10 is ${share.toFixed(0)} % of the best possible.`,
    );
  }
  lines.push('\nnext:');
  if (!source.oracle && test.targets.length > 0) lines.push(`  npx gsas-wgpu evaluate ${out} --split test --baselines`);
  const some = Array.from({ length: Math.min(3, source.dataset.numItems) }, (_, i) => i + 1);
  const items = some.map((item) => (source.oracle ? item : `#${item}`)).join(' '); // ids of a log may differ
  lines.push(`  npx gsas-wgpu recommend ${out} --history "${items}" --top 10`);
  if (source.oracle)
    lines.push('  npx gsas-wgpu train --data DIR --preset quick   (your own data, in the official layout)');
  return lines.join('\n');
}
