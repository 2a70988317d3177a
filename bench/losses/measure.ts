import { join } from 'node:path';
import { NEGATIVES } from '../../src/kernels/score/negatives/index.js';
import type { Measurement } from '../common/results.js';
import { ROOT } from '../common/setting.js';
import { isWide, summarise } from '../common/statistics.js';
import { digits } from '../common/table.js';
import { Implementation } from '../step/implementations.js';
import { race, ratio } from '../step/race.js';
import { batchOfCase, configOfCase, costOfCase, type LossCase } from './case.js';
import { checkAgrees, type Outcome } from './check.js';

/** How to start each side of a case, before the folder. */
export const SIDES = {
  gsas: () => [process.execPath, join(ROOT, 'bench', '.build', 'bench', 'losses', 'gsas.js')],
  pytorch: () => [process.env.GSAS_PYTHON || 'python3', join(ROOT, 'bench', 'baselines', 'pytorch', 'losses.py')],
} as const satisfies Record<string, () => string[]>;

type Side = keyof typeof SIDES;

/** One implementation of one case: a line of `bench losses`. */
export interface LossRow extends Measurement {
  bench: 'losses';
  impl: Side;
  rounds: number;
  loss: number;
  /** Of the loss and its gradients at least, in all. */
  bytes: number;
  flops: number;
  rss_mib: number;
  idle_rss_mib: number;
  device_mib?: number;
  /** Times longer than ours took. */
  ratio: number;
  wide: boolean;
  about: Record<string, unknown>;
}

/** In place of a row: a side that cannot run, or whose results differ. */
export interface FailedLoss {
  bench: 'losses';
  impl: Side;
  shape: string;
  status: string;
}

export interface CaseOptions {
  impl: readonly Side[];
  warmup: number;
  rounds: number;
  folder: string;
}

/** Compares all sides with ours and lets those that agree take turns. @param name of the shape */
export async function measureCase(
  subject: LossCase,
  name: string,
  { impl, warmup, rounds, folder }: CaseOptions,
): Promise<{ measured: LossRow[]; failed: FailedLoss[] }> {
  const { loss, negatives, shape } = subject;
  const batch = batchOfCase(subject);
  const config = configOfCase(subject);
  const k = NEGATIVES[negatives].count(config, shape.N);
  const text = `${name} ${loss} ${negatives} T=${batch.tokens} N=${shape.N} D=${shape.D} k=${k}`;
  let ours: Outcome | undefined;
  const entries = await race(impl, (side) => Implementation.run(side, [...SIDES[side](), folder]), {
    question: 'step',
    warmup,
    rounds,
    check: async (implementation) => {
      const found = (await implementation.ask('check')) as unknown as Outcome;
      if (ours) checkAgrees(implementation.name, found, ours);
      else ours = found;
    },
  });
  const [first] = entries;
  const measured: LossRow[] = [];
  const failed: FailedLoss[] = [];
  for (const entry of entries) {
    if ('reason' in entry) {
      failed.push({ bench: 'losses', impl: entry.name, shape: text, status: entry.reason });
      continue;
    }
    const spread = summarise(entry.times);
    const { ready, idle_rss_mib, ...about } = entry.about;
    const { ms, loss: last, rss_mib, device_mib, ...more } = entry.last;
    measured.push({
      ...{ bench: 'losses', impl: entry.name, shape: text, rounds: entry.times.length, loss: last! },
      ...{ median_ms: spread.median, p10_ms: spread.p10, p90_ms: spread.p90, wide: isWide(spread) },
      ...costOfCase(subject, batch, k),
      ...{ rss_mib, idle_rss_mib, ...(device_mib !== undefined && { device_mib }) },
      ratio: 'times' in first ? ratio(entry, first) : Number.NaN,
      about: { ...about, ...more },
    });
  }
  return { measured, failed };
}

const COLUMNS = ['median ms', 'p10', 'p90', 'times ours', 'MB', 'MFLOP', 'rss MiB', 'idle', 'device MiB'];

export function headText(): string {
  return `${''.padEnd(68)}${COLUMNS.map((name) => name.padStart(11)).join('')}`;
}

export function rowText(row: LossRow | FailedLoss): string {
  const subject = `${row.impl.padEnd(8)} ${row.shape}`;
  if ('status' in row) return `${subject}  cannot run: ${row.status}`;
  const { median_ms, p10_ms, p90_ms, ratio: times, bytes, flops, rss_mib, idle_rss_mib, device_mib } = row;
  const numbers = [median_ms, p10_ms, p90_ms, times, bytes / 1e6, flops / 1e6, rss_mib, idle_rss_mib, device_mib];
  const cells = numbers.map((value) => (value === undefined ? '' : digits(value)).padStart(11));
  const way = row.about.way === undefined ? '' : `  ${row.about.way}`;
  return `${subject.padEnd(68)}${cells.join('')}${way}${row.wide ? '  (wide spread: is the machine busy?)' : ''}`;
}
