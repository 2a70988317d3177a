import { calibrationCharts } from './calibration.js';
import { learningCurves } from './curves.js';
import { dataProfile } from './data.js';
import { exampleCards } from './examples.js';
import { configuration, differences, headline, stateBadge } from './facts.js';
import { count, Html, html } from './html.js';
import { METRIC_TITLES } from './intervals.js';
import { kernelTimes } from './kernels.js';
import { results } from './results.js';
import {
  analysedRuns,
  bestValidation,
  isValidated,
  type RunDataset,
  type RunRecord,
  sameData,
  valMetric,
} from './run.js';
import { STYLE } from './style.js';
import { marked, type Row, table } from './table.js';

/** A complete document that needs no other files. */
export function renderDocument(title: string, main: Html, script?: string): string {
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="gsas-wgpu"><link rel="icon" href="data:,">
<title>${title}</title><style>${new Html(STYLE)}</style></head>
<body><main>${main}</main>${script !== undefined && html`<script>${new Html(script)}</script>`}</body></html>
`.text;
}

/** A report's contents: everything about one run, or how several compare. */
export function renderMain(runs: readonly RunRecord[]): Promise<Html> {
  return runs.length === 1 ? renderRun(runs[0]) : renderComparison(runs);
}

async function renderRun(run: RunRecord): Promise<Html> {
  const { dataset, analysis, validations } = run;
  const about = dataset && describe(dataset);
  const waiting =
    validations.length === 0 &&
    html`<p class="note">Nothing has been validated yet: the first validation follows the first epoch.</p>`;
  const unvalidated =
    validations.length > 0 &&
    !isValidated(run) &&
    html`<p class="note">There was nobody to validate on: best.safetensors holds the latest weights.</p>`;
  const missing =
    validations.length > 0 &&
    !analysis &&
    html`<p class="note">Intervals, calibration, recommendations and GPU time are measured when the run has ended; <code>gsas-wgpu report</code> does it for a run that was interrupted.</p>`;
  return html`<header><h1>${run.name}</h1><p>${stateBadge(run)}</p>${about}${headline(run)}</header>
${[waiting, unvalidated, missing, await results([run]), exampleCards(run), await learningCurves([run])]}
${[await calibrationCharts([run]), await dataProfile(run), kernelTimes(run), configuration(run), footer([run])]}`;
}

async function renderComparison(runs: readonly RunRecord[]): Promise<Html> {
  const [{ dataset }] = runs;
  const alike = runs.every((run) => sameData(run, runs[0]));
  const comparable = alike && new Set(runs.map(({ config }) => valMetric(config))).size === 1;
  const most = Math.max(...runs.map((run) => bestValidation(run)?.[valMetric(run.config)] ?? 0));
  const rows = runs.map((run): Row => {
    const best = bestValidation(run);
    const metric = valMetric(run.config);
    const value = best?.[metric];
    const cells = [
      value === undefined
        ? '–'
        : html`${METRIC_TITLES[metric]} ${marked(value.toFixed(4), comparable && value === most)}`,
      best ? count(best.step) : '–',
      stateBadge(run),
      html`<code>${run.folder}</code>`,
    ];
    return { name: run.name, cells };
  });
  const mixed =
    !alike &&
    html`<p class="note">These runs are of different data: their metrics say nothing about which is better.</p>`;
  return html`<header><h1>${runs.length} runs compared</h1>${alike && dataset && describe(dataset)}${mixed}</header>
<section>${table('Runs', ['run', 'best validation', 'at step', 'state', 'folder'], rows)}</section>
${[await results(runs), differences(runs), await learningCurves(runs), await calibrationCharts(runs)]}
${[alike && (await dataProfile(analysedRuns(runs)[0] ?? runs[0])), footer(runs)]}`;
}

function describe({ name, users, items, interactions, meanLength }: RunDataset): Html {
  return html`<p class="about"><bdi>${name}</bdi>: ${count(users)} users, ${count(items)} items, ${count(interactions)} interactions, ${meanLength.toFixed(1)} a user</p>`;
}

function footer(runs: readonly RunRecord[]): Html {
  const version = runs.at(-1)!.sessions.at(-1)?.version;
  return html`<footer>gsas-wgpu${version && ` ${version}`} · gSASRec: Petrov and Macdonald, RecSys ’23, arXiv 2308.07192</footer>`;
}
