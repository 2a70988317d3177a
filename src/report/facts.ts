import { formatCount, formatDuration } from '../train/progress.js';
import { count, type Html, html } from './html.js';
import { METRIC_TITLES, meanOf, type ReportedMetric } from './intervals.js';
import { bestValidation, medianRate, type RunRecord, valMetric } from './run.js';
import { table } from './table.js';

type Fact = readonly [name: string, value: string];

/** A run in one line of figures. */
export function headline(run: RunRecord): Html {
  const latest = [...run.validations, ...run.steps].reduce((a, b) => (b.seconds > a.seconds ? b : a), {
    seconds: 0,
    step: 0,
  });
  const best = bestValidation(run);
  const rate = medianRate(run);
  const metric = METRIC_TITLES[valMetric(run.config)];
  const tested = run.analysis?.rankings[0];
  const test = (name: ReportedMetric): Fact[] =>
    tested ? [[`test ${METRIC_TITLES[name]}`, meanOf(name, tested).toFixed(4)]] : [];
  const figures: Fact[] = [
    ...test('ndcg@10'),
    ...test('recall@10'),
    [`best validation ${metric}`, best?.[valMetric(run.config)]?.toFixed(4) ?? '–'],
    ['training steps', count(latest.step)],
    ['training time', formatDuration(latest.seconds)],
    ['positions a second', rate === undefined ? '–' : formatCount(rate)],
  ];
  return html`<dl class="figures">${figures.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

export function stateBadge({ state: { state, why } }: RunRecord): Html {
  return html`<span class="state ${state}">${state}</span>${why && html` <span class="why">${why}</span>`}`;
}

/** Options and environment of one run. */
export function configuration(run: RunRecord): Html {
  return html`<section><h2>Configuration</h2>
<h3>Options</h3>${definitions(options(run))}
<h3>Environment</h3>${definitions(environment(run), 'short')}</section>`;
}

/** Where several runs differ. What they share is only counted. */
export function differences(runs: readonly RunRecord[]): Html {
  const facts = runs.map((run) => new Map([...data(run), ...options(run), ...environment(run)]));
  const names = [...new Set(facts.flatMap((of) => [...of.keys()]))];
  const differing = names.filter((name) => new Set(facts.map((of) => of.get(name))).size > 1);
  const heads = ['option', ...runs.map(({ name }) => name)];
  const rows = differing.map((name) => ({ name, cells: facts.map((of) => of.get(name) ?? '–') }));
  const same = names.length - differing.length;
  return html`<section><h2>Differences</h2>${rows.length > 0 && table('Differences of options and environment', heads, rows)}
<p>${same} of ${names.length} options and facts of the environment are the same.</p></section>`;
}

function data({ dataset }: RunRecord): Fact[] {
  return dataset ? [['data', `${dataset.name}, ${count(dataset.interactions)} interactions`]] : [];
}

function options({ config }: RunRecord): Fact[] {
  return Object.entries(config).map(([key, value]) => [key, value === null ? 'none' : String(value)]);
}

/** Of the latest session. */
function environment({ sessions }: RunRecord): Fact[] {
  const latest = sessions.at(-1);
  if (!latest) return [];
  const resumed = sessions.length > 1 ? ` (resumed ${sessions.length - 1}×)` : '';
  return [
    ['started', `${sessions[0].started.slice(0, 16).replace('T', ' ')} UTC${resumed}`],
    ['adapter', latest.adapter],
    ['driver', latest.driver],
    ['processor', latest.cpu],
    ['platform', latest.platform],
    ['node', latest.node],
    ['gsas-wgpu', latest.commit ? `${latest.version}, commit ${latest.commit}` : latest.version],
    ['host', latest.host],
  ];
}

function definitions(facts: readonly Fact[], names = ''): Html {
  return html`<dl class="facts ${names}">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}
