import type { DatasetStats } from '../ingest/stats.js';
import { alignColumns } from './output.js';

/** A table for a person, and what leaving out seen items would do. */
export function formatStats(stats: DatasetStats): string {
  const n = (value: number) => value.toLocaleString('en-US', { maximumFractionDigits: 1 });
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const { users, items, interactions, density, ties } = stats;
  const head = ['', 'lines', 'interactions', 'mean', 'min', '10 %', 'median', '90 %', 'max', 'repeats', 'seen targets'];
  const rows = (['train', 'val', 'test'] as const).map((name) => {
    const { lines, lengths, repeats, seenTargets, ...line } = stats[name];
    const { mean, min, p10, p50, p90, max } = lengths;
    const numbers = [lines, line.interactions, mean, min, p10, p50, p90, max].map(n);
    return [name, ...numbers, percent(repeats), seenTargets === null ? '' : percent(seenTargets)];
  });
  const { seenTargets } = stats.test;
  const advice = seenTargets
    ? `Leaving out seen items hides ${percent(seenTargets)} of the test targets${seenTargets > 0.05 ? ': train with --filter-rated false' : ''}.`
    : 'No test target is in its own history, so leaving out seen items hides none.';
  const summary = `${n(users)} users, ${n(items)} items, ${n(interactions)} interactions, density ${density < 10 ? (100 * density).toPrecision(3) : n(Math.round(100 * density))} %`;
  const lines = [summary, alignColumns([head, ...rows]), ...(seenTargets === null ? [] : [advice])];
  if (ties && ties.interactions > 0)
    lines.push(
      `${percent(ties.interactions / interactions)} of the interactions, and ${percent(ties.testTargets / Math.max(1, stats.test.lines))} of the test targets, are at the very time of another of the same user: their order is that of the log.`,
    );
  return lines.join('\n');
}
