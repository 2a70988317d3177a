import { type Measurement, subject } from './results.js';
import { isWide, type Summary } from './statistics.js';

/** One measurement before and after. Times are milliseconds; GPU times if both have them with their spread. */
export interface Change {
  subject: string;
  before: number;
  after: number;
  /** after / before: below 1 is faster. */
  ratio: number;
  /** Whether the repetitions of either one vary too much to be trusted. */
  wide: boolean;
  /** Whether the spreads do not overlap and the medians differ by more than a tenth. */
  moved: boolean;
}

const NOISE = 1.1;

/** What is only in `rows`. */
export function absent(rows: readonly Measurement[], others: readonly Measurement[]): string[] {
  const known = new Set(others.map(subject));
  return rows.map(subject).filter((name) => !known.has(name));
}

/** What is in both, the greatest change first. */
export function changes(before: readonly Measurement[], after: readonly Measurement[]): Change[] {
  const known = new Map(before.map((row) => [subject(row), row]));
  const both = after.flatMap((row) => {
    const old = known.get(subject(row));
    return old ? [change(old, row)] : [];
  });
  return both.sort((a, b) => Math.abs(Math.log(b.ratio)) - Math.abs(Math.log(a.ratio)));
}

function change(a: Measurement, b: Measurement): Change {
  const onGpu = a.gpu_p10_ms !== undefined && b.gpu_p10_ms !== undefined;
  const [before, after] = [times(a, onGpu), times(b, onGpu)];
  const ratio = after.median / before.median;
  const apart = before.p90 < after.p10 || after.p90 < before.p10;
  return {
    subject: subject(b),
    before: before.median,
    after: after.median,
    ratio,
    wide: isWide(before) || isWide(after),
    moved: apart && Math.max(ratio, 1 / ratio) > NOISE,
  };
}

function times(row: Measurement, onGpu: boolean): Summary {
  const { median_ms: median, p10_ms: p10, p90_ms: p90 } = row;
  if (!onGpu) return { median, p10, p90 };
  return { median: row.gpu_ms!, p10: row.gpu_p10_ms!, p90: row.gpu_p90_ms! };
}
