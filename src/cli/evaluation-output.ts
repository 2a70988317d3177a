import type { BucketEstimates, Estimates, Evaluation, Paired } from '../data/evaluation.js';
import { SAMPLED_WARNING } from '../data/sampled.js';
import { formatMetric } from './metrics.js';
import { alignColumns } from './output.js';

/** An evaluation and its subject: `gSASRec`, a baseline, a run. */
export interface Named {
  readonly name: string;
  /** The name of the recommender, whichever run it is from. */
  readonly model: string;
  readonly evaluation: Evaluation;
}

/** A table with a row for each measure and a column for each subject; every mean has its interval. */
export function evaluationTable(columns: readonly Named[]): string {
  const names = [columns[0].evaluation.estimates, columns[0].evaluation.coverage].flatMap(Object.keys);
  const cell = ({ estimates, coverage }: Evaluation, name: string) =>
    name in coverage ? formatMetric(coverage[name]) : formatEstimate(estimates, name);
  const rows = names.map((name) => [name, ...columns.map(({ evaluation }) => cell(evaluation, name))]);
  return alignColumns([['', ...columns.map(({ name }) => name)], ...rows]);
}

export function sampledTable(columns: readonly Named[]): string {
  const names = Object.keys(columns[0].evaluation.sampled!);
  const rows = names.map((name) => [
    name,
    ...columns.map(({ evaluation }) => formatEstimate(evaluation.sampled!, name)),
  ]);
  return alignColumns([['', ...columns.map(({ name }) => name)], ...rows]);
}

/** A line for each bucket, with the metrics at one cutoff. */
export function bucketTable(buckets: readonly BucketEstimates[], metrics: readonly string[]): string {
  const rows = buckets.map(({ from, to, targets, estimates }) => [
    from === to ? count(from) : `${count(from)} to ${count(to)}`,
    count(targets),
    ...metrics.map((name) => formatEstimate(estimates, name)),
  ]);
  const what = buckets[0].by === 'length' ? 'items in the history' : "target's occurrences in training";
  return alignColumns([[what, 'targets', ...metrics], ...rows]);
}

export function pairedTable(paired: Readonly<Record<string, Paired>>): string {
  const rows = Object.entries(paired).map(([name, { difference, low, high, p }]) => {
    const format = (value: number) => `${value < 0 ? '' : '+'}${formatValue(name, value)}`;
    return [name, `${format(difference)} [${format(low)}, ${format(high)}]`, p.toFixed(4)];
  });
  return alignColumns([['', 'difference', 'p'], ...rows]);
}

/** An evaluation as objects for JSON, the most important first: all users, then sampled metrics, then buckets. */
export function evaluationObjects(
  { estimates, coverage, sampled, buckets, ranking }: Evaluation,
  context: object,
  samples: number | undefined,
): [whole: object, ...rest: object[]] {
  const targets = ranking.ranks.length;
  const drawn = sampled && { sampled: samples, warning: SAMPLED_WARNING, targets, ...flat(sampled) };
  return [
    { ...context, targets, ...flat(estimates), ...coverage, intervals: intervals(estimates) },
    ...(drawn ? [{ ...context, ...drawn, intervals: intervals(sampled) }] : []),
    ...buckets.map(({ by, from, to, targets, estimates: of }) => ({
      ...{ ...context, bucket: { by, from, to }, targets, ...flat(of), intervals: intervals(of) },
    })),
  ];
}

function flat(estimates: Estimates): Record<string, number> {
  return Object.fromEntries(Object.entries(estimates).map(([name, { value }]) => [name, value]));
}

function intervals(estimates: Estimates): Record<string, [number, number]> {
  return Object.fromEntries(Object.entries(estimates).map(([name, { low, high }]) => [name, [low, high]]));
}

function formatEstimate(estimates: Estimates, name: string): string {
  const { value, low, high } = estimates[name];
  return `${formatValue(name, value)} [${formatValue(name, low)}, ${formatValue(name, high)}]`;
}

/** Popularity counts interactions; everything else is at most 1. */
function formatValue(name: string, value: number): string {
  return name.startsWith('popularity') ? value.toFixed(1) : formatMetric(value);
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}
