import { DEFAULT_RESAMPLING } from '../data/bootstrap.js';
import type { Estimate } from '../data/evaluation.js';
import type { Ranked } from './analysis.js';
import { draw } from './chart.js';
import { intervalChart } from './charts.js';
import { type Html, html } from './html.js';
import { compareMetrics, estimateMetrics, METRIC_TITLES, REPORTED } from './intervals.js';
import { type AnalysedRun, analysedRuns, type RunRecord, sameData } from './run.js';

/** Metrics of the test split with their intervals: a run beside its baselines, or runs beside each other. */
export async function results(runs: readonly RunRecord[]): Promise<Html | undefined> {
  const analysed = analysedRuns(runs);
  if (analysed.length === 0) return undefined;
  const ranked = runs.length === 1 ? analysed[0].analysis.rankings : analysed.map(ownRanking);
  const rows = ranked.map((list) => ({ name: list.name, estimates: estimateMetrics(list) }));
  const intervals = rows.map(({ name, estimates }) => ({ name, ...estimates['ndcg@10'] }));
  const cells = rows.map(({ name, estimates }) => ({
    name,
    cells: REPORTED.map((metric) => interval(estimates[metric])),
  }));
  const caption =
    runs.length === 1
      ? `A line spans the middle 95 % of ${count(DEFAULT_RESAMPLING.resamples)} resampled means.`
      : 'Intervals that overlap do not say that two runs are alike: look at their differences, user by user.';
  const axis = 'The axis fits the best and those near it, so it need not begin at 0; ◂ lies left of it.';
  return html`<section><h2>Results</h2>
<p>${setting(analysed)} In brackets 95&nbsp;% bootstrap intervals over users.</p>
${metricTable(cells)}
${differences(analysed)}
<div class="charts wide">${await draw(intervalChart(intervals, 'NDCG@10'), 'NDCG@10 with 95 % intervals', `${caption} ${axis}`)}</div></section>`;
}

function setting(runs: readonly AnalysedRun[]): string {
  const [{ analysis, config }] = runs;
  const ranked = analysis.rankings[0].ranks.length;
  const who =
    ranked === analysis.users ? `${count(ranked)} users` : `${count(ranked)} of ${count(analysis.users)} users`;
  if (runs.length > 1)
    return 'Next items of the test split among the whole catalogue, by the best weights of each run.';
  const seen = config.filter_rated === false ? 'seen items too' : 'seen items left out';
  return `Next items of ${who} of the test split among the whole catalogue, ${seen}, by the weights of step ${count(analysis.step)}.`;
}

function ownRanking({ name, analysis }: AnalysedRun): Ranked {
  return { ...analysis.rankings[0], name };
}

/** Compared with the first run, user by user, if the users are the same. */
function differences([first, ...others]: readonly AnalysedRun[]): Html | undefined {
  const own = ownRanking(first);
  const same = others.filter((run) => sameData(run, first) && ownRanking(run).ranks.length === own.ranks.length);
  if (same.length === 0) return undefined;
  const rows = same.map((run) => {
    const paired = compareMetrics(ownRanking(run), own);
    const cells = REPORTED.map((metric) => {
      const { difference: value, low, high, p } = paired[metric];
      return html`${interval({ value, low, high }, '+')} <small>p&nbsp;${p.toFixed(3)}</small>`;
    });
    return { name: run.name, cells };
  });
  return html`<h3>Difference to ${first.name}</h3>
<p>The same users, paired; p by Fisher’s randomisation test.</p>
${metricTable(rows)}`;
}

function metricTable(rows: readonly { name: string; cells: readonly Html[] }[]): Html {
  return html`<div class="scroll"><table class="numbers">
<thead><tr><th></th>${REPORTED.map((metric) => html`<th>${METRIC_TITLES[metric]}</th>`)}</tr></thead>
<tbody>${rows.map(({ name, cells }) => html`<tr><th scope="row">${name}</th>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody></table></div>`;
}

function interval({ value, low, high }: Estimate, plus = ''): Html {
  const format = (number: number) => `${number >= 0 ? plus : ''}${number.toFixed(4)}`.replace('-', '−');
  return html`<b>${format(value)}</b> <span>[${format(low)}, ${format(high)}]</span>`;
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}
