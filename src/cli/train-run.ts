import { describeDataset } from '../data/dataset.js';
import type { Gpu } from '../engine/gpu.js';
import { NeuralRecommender } from '../infer/neural.js';
import type { Recommender } from '../infer/recommender.js';
import { openAdapter } from '../node/adapter.js';
import { openGpu } from '../node/gpu.js';
import { RunFolder } from '../store/run-folder.js';
import { baselinesOf, type Source } from '../store/source.js';
import { type PlanRequest, planTraining, type TrainPlan } from '../train/plan.js';
import { formatDuration, Progress, type ProgressLimits } from '../train/progress.js';
import { STOP_REASONS, type Validation } from '../train/run-store.js';
import { trainThroughLoss } from '../train/through-loss.js';
import { type TrainResult, train } from '../train/train.js';
import { dryRun } from './dry-run.js';
import { closeAfter, ECHO_MS, exitCodeOf, type Signal } from './interrupt.js';
import { formatMetric, metricRow, metricTable } from './metrics.js';
import { reportTraining } from './report-run.js';
import { tuneAtFirstUse } from './tune.js';
import { watchBeside } from './watch.js';

/** What a command line asks to be trained. */
export interface TrainJob {
  readonly source: Source;
  /** The folder of the source; null for the embedded catalogue. */
  readonly data: string | null;
  /** The folder of the run. */
  readonly out: string;
  readonly resume: boolean;
  /** Options, and the weights to start from. */
  readonly start: Pick<PlanRequest, 'options' | 'initFrom' | 'numberOf'>;
  readonly flags: {
    readonly dryRun?: true;
    readonly watch?: true;
    readonly report: boolean;
    readonly onDeviceLost: 'resume' | 'stop';
  };
}

/** One run of a job. */
export interface JobPart {
  readonly request: PlanRequest & { store: RunFolder };
  /** What is printed at its end. */
  closing(gpu: Gpu, result: TrainResult): Promise<string> | string;
}

/** Trains one run on the training split. */
export async function trainOnce(job: TrainJob): Promise<void> {
  const { source, data, out, resume, start } = job;
  const store = new RunFolder(out, { data });
  const request = { ...start, dataset: source.dataset, store, resume };
  await trainPart(job, { request, closing: (gpu, result) => closing(gpu, result, job) });
}

/** Trains one run, tells of its progress, and writes its report. A signal ends the process when the run is saved. */
export async function trainPart({ out, flags }: TrainJob, { request, closing }: JobPart): Promise<void> {
  const { dataset, store } = request;
  const plan = await planTraining(request); // bad input is reported before looking for a GPU
  const limits = limitsOf(plan);
  if (flags.dryRun) return dryRun(request, plan, limits);

  const { name, why } = await openAdapter();
  let gpu = await openGpu();
  const progress = new Progress(process.stdout, limits);
  const interrupt = new AbortController();
  let asked = 0;
  let ending: Signal | undefined;
  let page: ReturnType<typeof watchBeside> | undefined;
  const stop = (signal: Signal) => {
    if (interrupt.signal.aborted && performance.now() - asked > ECHO_MS) process.exit(exitCodeOf(signal));
    if (interrupt.signal.aborted) return;
    asked = performance.now();
    ending = signal;
    progress.print('saving and stopping (once more to stop at once)');
    interrupt.abort();
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  progress.print(describeDataset(dataset));
  progress.print(`adapter: ${name} (${why})`);
  for (const notice of plan.notices) progress.print(notice);
  try {
    const trained = flags.onDeviceLost === 'stop' ? train : trainThroughLoss;
    const result = await trained(
      {
        ...request,
        gpu,
        signal: interrupt.signal,
        onPrepared: () => tuneAtFirstUse(gpu, (line) => progress.print(line)),
        onStep: (state) => {
          if (flags.watch) page ??= watchBeside(store.name); // the run's folder exists by the first step
          progress.update(state);
        },
        onValidation: (validation) => progress.print(describe(validation)),
      },
      async (error, step) => {
        progress.print(`${error.message.split(';')[0]}; going on from step ${step} on a new device`);
        gpu.close();
        gpu = await openGpu();
        return gpu;
      },
    ).finally(() => process.off('SIGINT', stop).off('SIGTERM', stop));
    progress.print(
      `stopped after ${result.steps} steps, ${formatDuration(result.seconds)}: ${STOP_REASONS[result.stopped]}`,
    );
    const aborted = result.stopped === 'aborted';
    const goOn = `to go on:  npx gsas-wgpu train --resume --out ${out}`;
    progress.print(aborted ? goOn : await closing(gpu, result));
    if (!aborted) gpu.close(); // the report opens another device, which times kernels
    const report = flags.report && (await reportTraining(store.name, aborted));
    if (report) progress.print(`report: ${report}`);
  } finally {
    progress.clear();
    if (page?.connected) page.disconnect();
    if (ending) await closeAfter(ending, gpu);
    else gpu.close();
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
async function closing(gpu: Gpu, { best }: TrainResult, { source, out }: TrainJob): Promise<string> {
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
