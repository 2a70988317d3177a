import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { TRAINING } from './support/small.js';

interface Sample {
  /** Repetitions so far. */
  at: number;
  rss: number;
  host: number;
  handles: number;
  milliseconds: number;
  buffers: number;
  device: number;
}

/** How often each thing is done: `npm run long` does more. */
const {
  GSAS_LONG_STEPS: STEPS = '100',
  GSAS_LONG_TRAINERS: TRAINERS = '10',
  GSAS_LONG_DEVICES: DEVICES = '5',
} = process.env;
const KINDS = { steps: STEPS, trainers: TRAINERS, devices: DEVICES };
const MINUTES = 60;
/** Growth over all repetitions that still counts as none: the garbage collector and malloc do not return memory at once. */
const SLACK = { rss: 24 * 2 ** 20, host: 4 * 2 ** 20 };

/** How much a quantity grows over all repetitions: the slope of the least-squares line, times their number. */
function growth(samples: readonly Sample[], key: keyof Sample): number {
  const mean = (of: (sample: Sample) => number) => samples.reduce((sum, one) => sum + of(one), 0) / samples.length;
  const [x, y] = [mean(({ at }) => at), mean((one) => one[key])];
  const slope = mean((one) => (one.at - x) * (one[key] - y)) / mean(({ at }) => (at - x) ** 2);
  return slope * (samples[samples.length - 1].at - samples[0].at);
}

describe('over many repetitions nothing grows', () => {
  let samples: Record<string, Sample[]>;

  beforeAll(async () => {
    const script = fileURLToPath(new URL('support/long.mjs', import.meta.url));
    const dist = new URL('../dist/', import.meta.url).href;
    const args = ['--expose-gc', script, dist, JSON.stringify(TRAINING), ...Object.values(KINDS)];
    const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 2 ** 26 });
    samples = JSON.parse(stdout);
  }, MINUTES * 60_000);

  it.each(Object.entries(KINDS))('of %s (%s)', (kind, count) => {
    const of = (key: keyof Sample) => growth(samples[kind], key);
    const [first, last] = [samples[kind][0], samples[kind][samples[kind].length - 1]];
    const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(2)} MiB`;
    console.info(
      `${count} ${kind}: RSS grows by ${mebibytes(of('rss'))} (to ${mebibytes(last.rss)}), JavaScript's memory by ${mebibytes(of('host'))}, ` +
        `device memory by ${last.device - first.device} bytes, handles by ${of('handles').toFixed(1)}, ` +
        `a repetition from ${first.milliseconds.toFixed(2)} to ${last.milliseconds.toFixed(2)} ms (slope ${of('milliseconds').toFixed(2)})`,
    );
    expect(of('rss')).toBeLessThan(SLACK.rss);
    expect(of('host')).toBeLessThan(SLACK.host);
    expect(of('handles')).toBeLessThan(1);
    expect(last.device).toBe(first.device);
    if (kind !== 'steps') return;
    expect(last.buffers).toBe(first.buffers);
    // The fastest of each half: other processes make single steps slower, but not all of them.
    const fastest = (half: readonly Sample[]) => Math.min(...half.map(({ milliseconds }) => milliseconds));
    const middle = samples.steps.length >> 1;
    expect(fastest(samples.steps.slice(middle))).toBeLessThan(1.5 * fastest(samples.steps.slice(0, middle)));
  });
});
