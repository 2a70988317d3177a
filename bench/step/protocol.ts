import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { SHAPE_KEYS, type ShapeKey, type StepShape } from './shapes.js';

/**
 * How a bench speaks with the processes that it times, ours, tfjs's and PyTorch's alike (bench/baselines/pytorch/step.py says more): it
 * starts one with the shape's flags, --rows and --warmup, waits for the line `Ready`, sends `step` and gets a line `Reply`, until `quit`.
 */
export interface Ready {
  ready: true;
  /** Memory of the process before there was a model. */
  idle_rss_mib: number;
  /** Versions, libraries, threads: whatever is worth knowing. */
  [about: string]: unknown;
}

export interface Reply {
  /** The process's own wall time. */
  ms: number;
  loss: number;
  /** The process's peak so far. */
  rss_mib: number;
  /** The device's memory at its peak, where it can be told. */
  device_mib?: number;
  /** GPU time of each kernel, of an implementation that was started with --profile. */
  kernels?: { name: string; launches: number; milliseconds: number }[];
}

export interface ProcessOptions {
  shape: StepShape;
  rows: string;
  warmup: number;
  profile: boolean;
  /** Of tfjs: cpu, wasm or webgpu. */
  backend: string;
}

/** The options of a process that is started by the bench. */
export function processOptions(args = process.argv.slice(2)): ProcessOptions {
  const keys = Object.keys(SHAPE_KEYS) as ShapeKey[];
  const flag = (key: string) => key.replaceAll('_', '-');
  const { values } = parseArgs({
    args,
    options: {
      ...Object.fromEntries([...keys.map(flag), 'rows', 'warmup', 'backend'].map((name) => [name, { type: 'string' }])),
      profile: { type: 'boolean' },
    },
  });
  const given: Record<string, unknown> = values;
  const text = (name: string) => String(given[name] ?? '');
  const shape = Object.fromEntries(keys.map((key) => [key, Number(text(flag(key)))])) as StepShape;
  return {
    shape,
    rows: text('rows'),
    warmup: Number(text('warmup')),
    profile: given.profile === true,
    backend: text('backend'),
  };
}

/** Peak memory of this process in MiB. On Linux process.resourceUsage().maxRSS would count the parent's too. */
export function peakRssMib(): number {
  try {
    return Number(/^VmHWM:\s*(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]) / 1024;
  } catch {
    return process.resourceUsage().maxRSS / 1024;
  }
}

/** Warms up, says that it is ready and takes a step for each line `step` of its input, until `quit` or its end. */
export async function serve(
  step: () => Promise<Omit<Reply, 'ms' | 'rss_mib'>>,
  warmup: number,
  about: Omit<Ready, 'ready'>,
): Promise<void> {
  const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
  for (let i = 0; i < warmup; i++) await step();
  say({ ready: true, ...about });
  for await (const line of createInterface({ input: process.stdin })) {
    if (line.trim() === 'quit') break;
    const start = performance.now();
    const result = await step();
    say({ ms: performance.now() - start, ...result, rss_mib: peakRssMib() });
  }
}
