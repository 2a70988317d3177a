import { isCalibrated } from '../kernels/score/negatives/index.js';
import type { Example, Item } from './analysis.js';
import { count, type Html, html } from './html.js';
import { judgeOf, type RunRecord } from './run.js';

/** What the model recommends to a few users of the test split, and what they chose next. */
export function exampleCards(run: RunRecord): Html | undefined {
  const { analysis } = run;
  if (!analysis) return undefined;
  const calibrated = isCalibrated(judgeOf(run), run.config);
  const percentages = calibrated && ' Percentages are predicted probabilities.';
  return html`<section><h2>Recommendations</h2>
<p>Users of the test split, spread evenly over it. What came next is marked ▸.${percentages}</p>
<div class="cards">${analysis.examples.map((example) => card(example, calibrated))}</div></section>`;
}

/** Without probabilities where they would promise more than comes true. */
function card(example: Example, calibrated: boolean): Html {
  const { user, name: called, history, length, target, rank, recommended, probabilities } = example;
  const shown = history.length < length ? `the last ${history.length} of ${length} items` : `${length} items`;
  const outcome = rank > 0 ? `at rank ${count(rank)}` : 'not ranked: an item of the history';
  return html`<article><h3>User ${called ?? user}</h3>
<h4>History <small>${shown}, oldest first</small></h4>
<ol class="history">${history.map((item) => html`<li>${itemName(item)}</li>`)}</ol>
<h4>Recommended</h4>
<ol class="recommended">${recommended.map(
    (item, i) =>
      html`<li${item.id === target.id && html` class="hit"`}><span>${itemName(item)}</span>${calibrated && html`<span>${percent(probabilities[i])}</span>`}</li>`,
  )}</ol>
<h4>Came next</h4><p class="target"><b>${itemName(target)}</b>, ${outcome}</p></article>`;
}

function itemName({ id, title }: Item): string {
  return title ?? `item ${id}`;
}

function percent(probability: number): string {
  return `${Number((100 * probability).toPrecision(2))} %`;
}
