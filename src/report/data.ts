import type { DatasetProfile } from '../data/profile.js';
import { adviseOn, type LineStats } from '../data/stats.js';
import { draw } from './chart.js';
import { histogram, lineChart } from './charts.js';
import { count, type Html, html, percent } from './html.js';
import type { RunRecord } from './run.js';
import { type Row, table } from './table.js';

/** What the run learns from: its parts as `data stats` counts them, how long sequences are, and how unevenly items occur. */
export async function dataProfile({ analysis, dataset }: RunRecord): Promise<Html | undefined> {
  const data = analysis?.data;
  if (!data) return undefined;
  const { ties = null } = data;
  const interactions = dataset?.interactions ?? data.test.interactions;
  const advice = adviseOn({ ...data, ties, interactions });
  return html`<section><h2>Data</h2>
${partsTable(data)}
<div class="charts"><div>${advice.map((sentence) => html`<p>${sentence}</p>`)}</div>${[data.lengths.length > 0 && (await lengthsChart(data)), data.popularity.length > 0 && (await popularityChart(data))]}</div></section>`;
}

const COLUMNS: readonly [title: string, value: (part: LineStats) => string][] = [
  ['lines', ({ lines }) => count(lines)],
  ['interactions', ({ interactions }) => count(interactions)],
  ['median length', ({ lengths }) => count(lengths.p50)],
  ['10 % to 90 %', ({ lengths }) => `${count(lengths.p10)} to ${count(lengths.p90)}`],
  ['shortest', ({ lengths }) => count(lengths.min)],
  ['longest', ({ lengths }) => count(lengths.max)],
  ['repeats', ({ repeats }) => percent(repeats)],
  ['seen targets', ({ seenTargets }) => (typeof seenTargets === 'number' ? percent(seenTargets) : '–')],
];

function partsTable(data: DatasetProfile): Html {
  const rows = (['train', 'val', 'test'] as const).map((name): Row => {
    return { name, cells: COLUMNS.map(([, value]) => value(data[name])) };
  });
  return table('Parts of the data', ['part', ...COLUMNS.map(([title]) => title)], rows);
}

function lengthsChart({ lengths, train }: DatasetProfile): Promise<Html> {
  const caption = `Half of the ${count(train.lines)} have at most ${count(train.lengths.p50)} items. Bins double in width.`;
  return draw(histogram(lengths, { x: 'items', y: 'sequences' }), 'Lengths of training sequences', caption);
}

function popularityChart({ popularity }: DatasetProfile): Promise<Html> {
  const axis = (title: string, log: boolean) => ({ title, format: '.3~%', log, zero: !log });
  const spec = lineChart({
    x: axis('share of the catalogue', true),
    y: axis('share of interactions', false),
    series: [{ name: 'training', points: popularity.map(({ items, interactions }) => [items, interactions]) }],
  });
  const tenth = popularity.reduce((best, point) =>
    Math.abs(point.items - 0.1) < Math.abs(best.items - 0.1) ? point : best,
  );
  const caption = `The most popular items first: ${percent(tenth.items)} of them have ${percent(tenth.interactions)} of the interactions.`;
  return draw(spec, 'Popularity of items', caption);
}
