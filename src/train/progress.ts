/** What a progress line shows. */
export interface ProgressState {
  /** The current epoch, counted from 1. */
  readonly epoch: number;
  readonly step: number;
  /** Steps done by this process: fewer than `step` in a resumed run. */
  readonly stepsHere: number;
  /** Mean loss per position over the epoch so far. */
  readonly loss: number;
  /** Positions that this process trained on. */
  readonly positions: number;
}

/** When this process will stop at the latest: the steps and seconds that it may take; null for no limit. */
export interface ProgressLimits {
  readonly steps: number | null;
  readonly seconds: number | null;
}

/** The part of a terminal or pipe that progress needs, such as process.stdout. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const REDRAW_SECONDS = 0.1;

/**
 * One line that is redrawn in place during the run, and lines that stay. If the output is not a terminal, only the lines that stay are
 * written.
 */
export class Progress {
  private readonly started: number;
  private drawn = -Infinity;
  /** Where the window of positions per second begins: at the last line that stayed. */
  private window: { time: number; positions: number };
  private positions = 0;

  /** `now` is a clock in seconds. */
  constructor(
    private readonly stream: ProgressStream,
    private readonly limits: ProgressLimits,
    private readonly now = () => performance.now() / 1000,
  ) {
    this.started = now();
    this.window = { time: this.started, positions: 0 };
  }

  /** Redraws the line, at most ten times a second. */
  update(state: ProgressState): void {
    this.positions = state.positions;
    const time = this.now();
    // A rate also needs some time after a line that stayed.
    if (!this.stream.isTTY || time - Math.max(this.drawn, this.window.time) < REDRAW_SECONDS) return;
    this.drawn = time;
    const elapsed = time - this.started;
    const rate = (state.positions - this.window.positions) / (time - this.window.time);
    const left = remainingSeconds(elapsed, state.stepsHere, this.limits);
    const line = [
      `epoch ${state.epoch}`,
      `step ${state.step}`,
      `loss ${state.loss.toFixed(4)}`,
      `${formatCount(rate)} positions/s`,
      `${formatDuration(elapsed)} elapsed`,
      left === null ? '' : `${formatDuration(left)} left`,
    ];
    const text = line.filter(Boolean).join('  ');
    this.stream.write(`\r\x1b[K${text.slice(0, (this.stream.columns ?? 80) - 1)}`);
  }

  /** Writes a line that stays, in place of the redrawn one. */
  print(line: string): void {
    this.clear();
    this.stream.write(`${line}\n`);
    this.window = { time: this.now(), positions: this.positions };
  }

  /** Removes the redrawn line. Call it when the run ends, however it ends. */
  clear(): void {
    if (this.drawn !== -Infinity) this.stream.write('\r\x1b[K');
    this.drawn = -Infinity;
  }
}

/** Seconds to the nearest limit, after `elapsed` seconds for `done` steps; null without a limit or before the first step. */
export function remainingSeconds(elapsed: number, done: number, limits: ProgressLimits): number | null {
  const left: number[] = [];
  if (limits.steps !== null && done > 0) left.push((elapsed / done) * (limits.steps - done));
  if (limits.seconds !== null) left.push(limits.seconds - elapsed);
  return left.length === 0 ? null : Math.max(0, Math.min(...left));
}

/** 7 -> "7s", 67 -> "1m 07s", 3720 -> "1h 02m", 90000 -> "1d 01h". */
export function formatDuration(seconds: number): string {
  const s = Math.round(seconds);
  const two = (n: number) => String(n).padStart(2, '0');
  if (s < 60) return `${s}s`;
  if (s < 3600) return `${Math.floor(s / 60)}m ${two(s % 60)}s`;
  if (s < 86400) return `${Math.floor(s / 3600)}h ${two(Math.floor(s / 60) % 60)}m`;
  return `${Math.floor(s / 86400)}d ${two(Math.floor(s / 3600) % 24)}h`;
}

/** Three significant digits: 7.25 -> "7.25", 950 -> "950", 12345 -> "12.3k", 1234567 -> "1.23M". */
export function formatCount(n: number): string {
  const steps: [number, string][] = [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ];
  const [unit, suffix] = steps.find(([unit]) => Math.abs(n) >= unit * 0.9995) ?? [1, ''];
  return `${Number((n / unit).toPrecision(3))}${suffix}`;
}
