import type { BucketEstimates } from '../data/evaluation.js';
import type { Ranked } from './analysis.js';
import { draw } from './chart.js';
import { bucketChart } from './charts.js';
import { compact, type Html, html } from './html.js';
import { estimateBuckets } from './intervals.js';
import { type AnalysedRun, sameData } from './run.js';

/**
 * For whom a model does well: users by the length of their history, and by the popularity of what they chose next.
 * @param rankings a run beside its baselines, or of several runs
 * @returns nothing for an analysis without these, or for runs of different users
 */
export async function buckets(runs: readonly AnalysedRun[], rankings: readonly Ranked[]): Promise<Html | undefined> {
  const { cases } = runs[0].analysis;
  if (!cases || runs.some((run) => !sameData(run, runs[0]))) return undefined;
  if (rankings.some(({ ranks }) => ranks.length !== cases.lengths.length)) return undefined;
  const of = rankings.map((ranked) => ({ name: ranked.name, buckets: estimateBuckets(ranked, cases) }));
  const charts = KINDS.map(({ title, x, caption }, kind) => {
    const series = of.map(({ name, buckets }) => ({ name, points: buckets[kind].map(pointOf) }));
    return draw(bucketChart(series, { x, y: 'NDCG@10' }), title, caption);
  });
  return html`${await Promise.all(charts)}`;
}

const KINDS = [
  {
    title: 'By length of the history',
    x: 'items in the history, at most',
    caption: 'Users in buckets of nearly equal size; the lines are 95 % intervals.',
  },
  {
    title: 'By popularity of what came next',
    x: 'occurrences in training, at most',
    caption:
      'On the left, items that hardly occur in training: whoever recommends only what is popular finds none of them.',
  },
];

function pointOf({ to, estimates }: BucketEstimates) {
  return { bucket: compact(to), ...estimates['ndcg@10'] };
}
