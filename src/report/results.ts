import { DEFAULT_RESAMPLING } from '../data/bootstrap.js';
import type { Estimate } from '../data/evaluation.js';
import type { Ranked } from './analysis.js';
import { buckets } from './buckets.js';
import { draw } from './chart.js';
import { intervalChart } from './charts.js';
import { count, type Html, html, percent } from './html.js';
import { compareMetrics, estimateMetrics, METRIC_TITLES, REPORTED } from './intervals.js';
import { type AnalysedRun, analysedRuns, type RunRecord, sameData } from './run.js';
import { marked, type Row, table } from './table.js';

/** Metrics of the test split with their intervals: a run beside its baselines, or runs beside each other. */
export async function results(runs: readonly RunRecord[]): Promise<Html | undefined> {
  const analysed = analysedRuns(runs);
  if (analysed.length === 0) return undefined;
  const ranked = runs.length === 1 ? analysed[0].analysis.rankings : analysed.map(ownRanking);
  const caption =
    runs.length === 1
      ? `A line spans the middle 95 % of ${count(DEFAULT_RESAMPLING.resamples)} resampled means.`
      : 'Intervals that overlap do not say that two runs are alike: look at their differences, user by user.';
  const axis = 'The axis fits the best and those near it, so it need not begin at 0; ◂ lies left of it.';
  const rivals = ranked.filter(({ bound }) => !bound);
  const estimates = ranked.map((list) => ({ ...list, ...estimateMetrics(list) }));
  const intervals = estimates.map(({ name, 'ndcg@10': ndcg }) => ({ name, ...ndcg }));
  return html`<section><h2>Results</h2>
<p>${setting(analysed)} In brackets 95&nbsp;% bootstrap intervals over users${rivals.length > 1 && '; the best of each column is marked'}.</p>
${metricsTable(estimates)}
${differences(analysed)}
<div class="charts">${await draw(intervalChart(intervals, 'NDCG@10'), 'NDCG@10 with 95 % intervals', `${caption} ${axis}`)}
${await buckets(analysed, ranked)}</div></section>`;
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

type Estimated = Ranked & ReturnType<typeof estimateMetrics>;

/** The first columns are the ones that a phone shows. The best of each is set off; an upper bound competes with nobody. */
function metricsTable(lists: readonly Estimated[]): Html {
  const rivals = lists.filter(({ bound }) => !bound);
  const most = REPORTED.map((metric) => Math.max(...rivals.map((list) => list[metric].value)));
  const exposed = lists.some(({ exposure }) => exposure);
  const rows = lists.map((list): Row => {
    const { name, bound, exposure } = list;
    const metrics = REPORTED.map((metric, i) => {
      const wins = rivals.length > 1 && !bound && list[metric].value === most[i];
      return interval(list[metric], { wins });
    });
    const shown = exposure ? [percent(exposure.coverage), count(Math.round(exposure.popularity))] : ['–', '–'];
    return { name, cells: [...metrics, ...(exposed ? shown : [])] };
  });
  const heads = [
    ...REPORTED.map((metric) => METRIC_TITLES[metric]),
    ...(exposed ? ['Coverage@10', 'Popularity@10'] : []),
  ];
  return html`${table('Metrics', ['model', ...heads], rows)}
${exposed && html`<p class="about">Coverage@10 is the share of the catalogue that is recommended to at least one of these users; Popularity@10, how often the recommended items occur in training on average: the lower, the more novel.</p>`}`;
}

/** Compared with the first run, user by user, if the users are the same. */
function differences([first, ...others]: readonly AnalysedRun[]): Html | undefined {
  const own = ownRanking(first);
  const same = others.filter((run) => sameData(run, first) && ownRanking(run).ranks.length === own.ranks.length);
  if (same.length === 0) return undefined;
  const rows = same.map((run): Row => {
    const paired = compareMetrics(ownRanking(run), own);
    const cells = REPORTED.map((metric) => {
      const { difference: value, low, high, p } = paired[metric];
      const apart = low > 0 || high < 0;
      return html`${interval({ value, low, high }, { plus: '+', wins: apart })} <small>p&nbsp;${p.toFixed(3)}</small>`;
    });
    return { name: run.name, cells };
  });
  return html`<h3>Difference to ${first.name}</h3>
<p>The same users, paired; p by Fisher’s randomisation test. What is marked has an interval without 0.</p>
${table('Differences', ['run', ...REPORTED.map((metric) => METRIC_TITLES[metric])], rows)}`;
}

function interval({ value, low, high }: Estimate, { plus = '', wins = false } = {}): Html {
  const format = (number: number) => `${number >= 0 ? plus : ''}${number.toFixed(4)}`.replace('-', '−');
  return html`${marked(format(value), wins)} <small>[${format(low)}, ${format(high)}]</small>`;
}
