import { draw } from './chart.js';
import { lineChart, type Series } from './charts.js';
import { count, type Html, html } from './html.js';
import { type AnalysedRun, analysedRuns, judgeOf, type RunRecord } from './run.js';

/** Are the model's probabilities true? The paper's Figures 2 and 1. Nothing for losses whose scores only order items. */
export async function calibrationCharts(runs: readonly RunRecord[]): Promise<Html | undefined> {
  const analysed = analysedRuns(runs).filter((run) => judgeOf(run).calibrated);
  if (analysed.length === 0) return undefined;
  const left =
    analysed.length < analysedRuns(runs).length &&
    html` Of these runs only ${analysed.map(({ name }, i) => html`${i > 0 && ', '}<b>${name}</b>`)}: the scores of the others only order items.`;
  return html`<section><h2>Calibration</h2>
<div class="charts"><p>A score's sigmoid reads as the probability that the item comes next. Sampled negatives inflate it, and gBCE's t takes that back: t = 0 is plain BCE, t = 1 aims at true probabilities.${left}</p>
${[await calibrationChart(analysed), await rankChart(analysed)]}</div></section>`;
}

function calibrationChart(runs: readonly AnalysedRun[]): Promise<Html> {
  const series = runs.map(({ name, analysis }): Series => {
    const { cutoffs, probability, precision } = analysis.calibration;
    // A logarithmic axis cannot show a precision of 0.
    const points = cutoffs.map((_, i) => [probability[i], precision[i]] as const).filter(([, y]) => y > 0);
    return { name, points };
  });
  const { cutoffs, probability, precision, users } = runs[0].analysis.calibration;
  const labels = cutoffs
    .map((cutoff, i) => ({ x: probability[i], y: precision[i], text: `K = ${cutoff}`, cutoff }))
    .filter(({ y, cutoff }) => y > 0 && [1, cutoffs.at(-1)].includes(cutoff));
  const axis = (title: string) => ({ title, format: '.2~g', log: true });
  const spec = lineChart({
    x: axis('mean predicted probability@K'),
    y: axis('mean precision@K'),
    series,
    diagonal: 'perfectly calibrated',
    labels: runs.length === 1 ? labels : [],
  });
  const caption = `K from 1 to ${cutoffs.at(-1)}, over ${count(users)} test users, as in Figure 2 of the gSASRec paper. Right of the diagonal the model promises more than comes true.`;
  return draw(spec, 'Probability against precision', caption);
}

function rankChart(runs: readonly AnalysedRun[]): Promise<Html> {
  const ranked = (values: readonly number[]) => values.map((value, i) => [i + 1, value] as const);
  const [{ analysis }] = runs;
  const [example] = analysis.examples;
  const series: Series[] =
    runs.length > 1
      ? runs.map((run) => ({ name: run.name, points: ranked(run.analysis.calibration.byRank) }))
      : [
          { name: `user ${example.name ?? example.user}`, points: ranked(example.probabilities) },
          { name: 'mean over users', points: ranked(analysis.calibration.byRank) },
        ];
  const found = example.rank > 0 && example.rank <= example.probabilities.length;
  const spec = lineChart({
    x: { title: 'rank', format: '~r', log: true },
    y: { title: 'predicted probability', format: '.3~r', zero: true },
    series,
    ...(runs.length === 1 && found && { mark: { x: example.rank, label: 'what came next' } }),
  });
  const caption = `As in Figure 1 of the gSASRec paper. Where many ranks are near 1, as SASRec's are, the order among them says little.`;
  return draw(spec, 'Score by rank', caption);
}
