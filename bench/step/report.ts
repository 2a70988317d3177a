import type { Measurement } from '../common/results.js';
import { isWide, summarise } from '../common/statistics.js';
import { digits, tableLines } from '../common/table.js';
import type { ImplementationName } from './implementations.js';
import type { Profile } from './profile.js';
import { type Failure, ratio, type Turns } from './race.js';

/** One implementation's training step or evaluation: a line of `bench step` or `bench eval`. */
export interface RaceRow extends Measurement {
  impl: ImplementationName;
  rounds: number;
  /** The loss of the last step. Implementations draw their own weights and negatives, so losses are close but not equal. */
  loss?: number;
  'ndcg@10'?: number;
  /** Positions of a turn that are not padding. */
  positions: number;
  rss_mib: number;
  /** What its libraries and the process take without a model. */
  idle_rss_mib: number;
  device_mib?: number;
  /** GPU milliseconds by phase, of ours where it was profiled. */
  phases?: Record<string, number>;
  /** Times longer than the first implementation took. */
  ratio: number;
  wide: boolean;
  about: Record<string, unknown>;
}

/** In place of a row: an implementation that cannot do this shape, and why. */
export interface FailedRow {
  bench: string;
  impl: ImplementationName;
  shape: string;
  status: string;
}

export function isTimed<Name extends string>(entry: Turns<Name> | Failure<Name>): entry is Turns<Name> {
  return !('reason' in entry);
}

export function failureOf({ name, reason }: Failure, bench: string, shape: string): FailedRow {
  return { bench, impl: name, shape, status: `cannot run: ${reason.replace(`${name}: `, '')}` };
}

/** @param first whose times the ratio is to */
export function rowOf(
  turn: Turns,
  first: Turns,
  {
    bench,
    shape,
    positions,
    profile,
  }: { bench: string; shape: string; positions: number; profile?: Profile | undefined },
): RaceRow {
  const spread = summarise(turn.times);
  const { ready, idle_rss_mib, ...about } = turn.about;
  const { ms, kernels, ranking, ...last } = turn.last;
  return {
    bench,
    impl: turn.name,
    shape,
    median_ms: spread.median,
    p10_ms: spread.p10,
    p90_ms: spread.p90,
    ...(turn.name === 'gsas' && profile && { gpu_ms: profile.milliseconds, phases: phasesOf(profile) }),
    rounds: turn.times.length,
    positions,
    ...last,
    idle_rss_mib,
    ratio: ratio(turn, first),
    wide: isWide(spread),
    about,
  };
}

function phasesOf({ phases }: Profile): Record<string, number> {
  return Object.fromEntries(phases.map(({ phase, milliseconds }) => [phase, milliseconds]));
}

/** The lines for a person: a table, what cannot run, what is worth knowing about each implementation, and where our GPU time goes. */
export function reportText(rows: readonly RaceRow[], failed: readonly FailedRow[], profile?: Profile): string {
  const lines = rows.length > 0 ? timesText(rows) : [];
  for (const { impl, status } of failed) lines.push(`${impl} ${status}`);
  for (const { impl, about } of rows) {
    const facts = Object.entries(about).map(([key, value]) => `${key} ${value}`);
    if (facts.length > 0) lines.push(`${impl}: ${facts.join(', ')}`);
  }
  const wide = rows.filter((row) => row.wide).map(({ impl }) => impl);
  if (wide.length > 0) lines.push(`wide spread (${wide.join(', ')}): is the machine busy? measure again`);
  if (profile) lines.push('', ...profileText(profile));
  return lines.join('\n');
}

function timesText(rows: readonly RaceRow[]): string[] {
  const [first] = rows;
  const outcome = first!.loss === undefined ? 'ndcg@10' : 'loss';
  return [
    ...tableLines(
      ['', 'median ms', 'p10', 'p90', `times ${first!.impl}`, 'positions/s', outcome, 'rss MiB', 'idle', 'device MiB'],
      rows.map((row) => [
        row.impl,
        digits(row.median_ms),
        digits(row.p10_ms),
        digits(row.p90_ms),
        digits(row.ratio),
        digits((1000 * row.positions) / row.median_ms),
        digits(row[outcome]!),
        digits(row.rss_mib),
        digits(row.idle_rss_mib),
        row.device_mib === undefined ? '' : digits(row.device_mib),
      ]),
    ),
    `${digits(first!.positions)} positions, padding aside`,
  ];
}

function profileText({ phases, kernels, milliseconds }: Profile): string[] {
  const share = (part: number) => digits((100 * part) / milliseconds);
  return [
    ...tableLines(
      ['phase', 'GPU ms', '%'],
      phases.map((row) => [row.phase, digits(row.milliseconds), share(row.milliseconds)]),
    ),
    '',
    ...tableLines(
      ['kernel', 'launches', 'GPU ms', '%'],
      [
        ...kernels.map((row) => [
          `${row.phase} ${row.name}`,
          String(row.launches),
          digits(row.milliseconds),
          share(row.milliseconds),
        ]),
        ['in all', '', digits(milliseconds), '100'],
      ],
    ),
  ];
}
