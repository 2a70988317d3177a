import { adviseOn, type DatasetStats } from '../data/stats.js';
import { alignColumns } from './output.js';

/** A table for a person, and what leaving out seen items would do. */
export function formatStats(stats: DatasetStats): string {
  const n = (value: number) => value.toLocaleString('en-US', { maximumFractionDigits: 1 });
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const { users, items, interactions, density } = stats;
  const head = ['', 'lines', 'interactions', 'mean', 'min', '10 %', 'median', '90 %', 'max', 'repeats', 'seen targets'];
  const rows = (['train', 'val', 'test'] as const).map((name) => {
    const { lines, lengths, repeats, seenTargets, ...line } = stats[name];
    const { mean, min, p10, p50, p90, max } = lengths;
    const numbers = [lines, line.interactions, mean, min, p10, p50, p90, max].map(n);
    return [name, ...numbers, percent(repeats), seenTargets === null ? '' : percent(seenTargets)];
  });
  const summary = `${n(users)} users, ${n(items)} items, ${n(interactions)} interactions, density ${density < 10 ? (100 * density).toPrecision(3) : n(Math.round(100 * density))} %`;
  return [summary, alignColumns([head, ...rows]), ...adviseOn(stats)].join('\n');
}
