import type { Metrics } from '../data/metrics.js';
import { OPTION_DEFAULTS } from '../train/config.js';
import { formatCount } from '../train/progress.js';
import type { Validation } from '../train/run-store.js';
import { draw } from './chart.js';
import { lineChart, type Series } from './charts.js';
import { count, type Html, html } from './html.js';
import { METRIC_TITLES } from './intervals.js';
import { bestValidation, isValidated, measurements, medianRate, type RunRecord, valMetric } from './run.js';

const STEPS = { title: 'training step', format: '~s' };

/** Loss, validation and throughput of one run, or of several in the same charts; nothing before the first measurement. */
export async function learningCurves(runs: readonly RunRecord[]): Promise<Html | undefined> {
  const measured = runs.filter(({ steps, validations }) => steps.length + validations.length > 0);
  if (measured.length === 0) return undefined;
  const charts = [await lossChart(measured)];
  if (measured.some(isValidated)) {
    charts.push(...(measured.length === 1 ? [await metricsChart(measured[0])] : await metricCharts(measured)));
  }
  charts.push(await throughputChart(measured));
  return html`<section><h2>Learning</h2><div class="charts">${charts}</div></section>`;
}

function lossChart(runs: readonly RunRecord[]): Promise<Html> {
  const series = runs.map((run): Series => {
    return { name: run.name, points: measurements(run).map(({ step, loss }) => [step, loss]) };
  });
  const losses = new Set(runs.map(({ config }) => config.loss ?? OPTION_DEFAULTS.loss));
  // Different losses differ by orders of magnitude.
  const y = { title: `${[...losses].join(' or ')} loss a position`, format: '.3~r', log: losses.size > 1 };
  const caption =
    'Mean training loss, dropout on. Its height depends on the loss and its options, such as negatives and t, so compare it only between runs that share them.';
  return draw(lineChart({ x: STEPS, y, series }), 'Training loss', caption);
}

const SHARE = { format: '.2~f', zero: true };

function metricsChart(run: RunRecord): Promise<Html> {
  const metrics = ['recall@10', 'ndcg@10', 'recall@1'] as const;
  const series = metrics.map((metric): Series => {
    return { name: METRIC_TITLES[metric], points: metricPoints(run, metric, ({ step }) => step) };
  });
  const best = bestValidation(run)!;
  const title = 'mean over validation users';
  const chosen = valMetric(run.config);
  const value = best[chosen]!;
  const mark = { x: best.step, y: value, label: `best ${METRIC_TITLES[chosen]}: ${value.toFixed(4)}` };
  const caption = `Held-out next items, the whole catalogue ranked. The weights of step ${count(best.step)} are kept as best.safetensors: the highest ${METRIC_TITLES[chosen]}.`;
  return draw(lineChart({ x: STEPS, y: { ...SHARE, title }, series, mark }), 'Validation', caption);
}

/** A metric of the validations that have it. */
function metricPoints(
  { validations }: RunRecord,
  metric: keyof Metrics,
  x: (record: Validation) => number,
): (readonly [number, number])[] {
  return validations.flatMap((record) => {
    const y = record[metric];
    return y === undefined ? [] : [[x(record), y] as const];
  });
}

function metricCharts(runs: readonly RunRecord[]): Promise<Html[]> {
  const metric = valMetric(runs[0].config);
  const name = METRIC_TITLES[metric];
  const y = { ...SHARE, title: `${name}, validation users` };
  const by = (x: (record: Validation) => number) =>
    runs.map((run): Series => ({ name: run.name, points: metricPoints(run, metric, x) }));
  return Promise.all([
    draw(lineChart({ x: STEPS, y, series: by(({ step }) => step) }), `${name} by step`, 'The whole catalogue ranked.'),
    draw(
      lineChart({ x: MINUTES, y, series: by(({ seconds }) => seconds / 60) }),
      `${name} by time`,
      'Validations included in the time.',
    ),
  ]);
}

const MINUTES = { title: 'training time, minutes', format: '~r' };

function throughputChart(runs: readonly RunRecord[]): Promise<Html> {
  const series = runs.map((run): Series => {
    const points = measurements(run).map((record) => [record.seconds / 60, record.positions_per_second] as const);
    return { name: run.name, points };
  });
  const y = { title: 'positions a second', format: '~s', zero: true };
  const rates = runs.map((run) => {
    return html` ${runs.length > 1 && html`<bdi>${run.name}</bdi>: `}${formatCount(medianRate(run)!)} positions/s, the median.`;
  });
  return draw(lineChart({ x: MINUTES, y, series }), 'Throughput', html`Validations left out.${rates}`);
}
