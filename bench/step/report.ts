import type { KernelTime } from '../../src/engine/profiler.js';
import type { Measurement } from '../common/results.js';
import { isWide, summarise } from '../common/statistics.js';
import { digits, tableLines } from '../common/table.js';
import type { ImplementationName } from './implementations.js';
import { ratio, type Turns } from './race.js';

/** One implementation's training step: a line of `bench step`. */
export interface StepRow extends Measurement {
  bench: 'step';
  impl: ImplementationName;
  rounds: number;
  /** Of the last step: implementations draw weights and negatives of their own, so theirs are near each other, not equal. */
  loss: number;
  /** Mean positions of a timed batch that are not padding. */
  positions: number;
  rss_mib: number;
  /** What its libraries and the process take without a model. */
  idle_rss_mib: number;
  device_mib?: number;
  /** Times longer than the first implementation took. */
  ratio: number;
  wide: boolean;
  about: Record<string, unknown>;
}

/** @param first whose times the ratio is to; @param kernels of ours, where they were profiled */
export function rowOf(
  turn: Turns,
  first: Turns,
  shape: string,
  positions: number,
  kernels: readonly KernelTime[],
): StepRow {
  const spread = summarise(turn.times);
  const { ready, idle_rss_mib, ...about } = turn.about;
  const { loss, rss_mib, device_mib } = turn.last;
  return {
    bench: 'step',
    impl: turn.name,
    shape,
    median_ms: spread.median,
    p10_ms: spread.p10,
    p90_ms: spread.p90,
    ...(turn.name === 'gsas' && kernels.length > 0 && { gpu_ms: sumOf(kernels) }),
    rounds: turn.times.length,
    loss,
    positions,
    rss_mib,
    idle_rss_mib,
    ...(device_mib !== undefined && { device_mib }),
    ratio: ratio(turn, first),
    wide: isWide(spread),
    about,
  };
}

function sumOf(kernels: readonly KernelTime[]): number {
  return kernels.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
}

/** The lines for a person: a table, what is worth knowing of each implementation, and where our GPU time goes. */
export function reportText(rows: readonly StepRow[], kernels: readonly KernelTime[]): string {
  const [first] = rows;
  const lines = tableLines(
    ['', 'median ms', 'p10', 'p90', `times ${first!.impl}`, 'positions/s', 'loss', 'rss MiB', 'idle', 'device MiB'],
    rows.map((row) => [
      row.impl,
      digits(row.median_ms),
      digits(row.p10_ms),
      digits(row.p90_ms),
      digits(row.ratio),
      digits((1000 * row.positions) / row.median_ms),
      digits(row.loss),
      digits(row.rss_mib),
      digits(row.idle_rss_mib),
      row.device_mib === undefined ? '' : digits(row.device_mib),
    ]),
  );
  lines.push(`${digits(first!.positions)} positions a batch, padding aside`);
  for (const { impl, about } of rows) {
    const facts = Object.entries(about).map(([key, value]) => `${key} ${value}`);
    if (facts.length > 0) lines.push(`${impl}: ${facts.join(', ')}`);
  }
  const wide = rows.filter((row) => row.wide).map(({ impl }) => impl);
  if (wide.length > 0) lines.push(`wide spread (${wide.join(', ')}): is the machine busy? measure again`);
  if (kernels.length > 0) {
    const total = sumOf(kernels);
    const shares = kernels.map(({ name, launches, milliseconds }) => [
      name,
      String(launches),
      digits(milliseconds),
      digits((100 * milliseconds) / total),
    ]);
    lines.push(
      '',
      ...tableLines(['kernel', 'launches', 'GPU ms', '%'], [...shares, ['in all', '', digits(total), '100']]),
    );
  }
  return lines.join('\n');
}
