import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import type { KernelTime } from '../../src/engine/profiler.js';
import { peakRssMib } from '../common/memory.js';
import type { Sample } from '../losses/check.js';
import { SHAPE_KEYS, type ShapeKey, type StepShape } from './shapes.js';

/**
 * The protocol between a bench and the processes that it times, ours, tfjs's and PyTorch's (bench/baselines/pytorch/step.py has more). The bench starts one
 * with the shape's flags and --rows, waits for the line `Ready`, sends one `Question` per line and gets one line `Reply` for each, until `quit`.
 */
export interface Ready {
  ready: true;
  /** Memory of the process before there was a model. */
  idle_rss_mib: number;
  /** Versions, libraries, threads: everything worth knowing. */
  [about: string]: unknown;
}

/**
 * `step`: a training step on the next batch. `eval`: all rows ranked, the last item of each held out. `ranks`: the same with its
 * outcome told, to be checked. `check`: the loss and gradients of a first step, of implementations that `bench losses` compares.
 */
export type Question = 'step' | 'eval' | 'ranks' | 'check';

export interface Reply {
  /** The process's own wall time. */
  ms: number;
  /** The process's peak so far. */
  rss_mib: number;
  /** Of a step. */
  loss?: number;
  /** Of an evaluation. */
  'ndcg@10'?: number;
  ranking?: Ranking;
  /** Of a check. */
  gradients?: readonly Sample[];
  /** The device's peak memory, if it is known. */
  device_mib?: number;
  /** GPU time of each kernel, of an implementation that was started with --profile. */
  kernels?: KernelTime[];
}

/** How many best items an evaluation returns. */
export const TOP = 10;

/** What an evaluation found for each user. */
export interface Ranking {
  /** [users] of the held-out item among all, from 1 on; 0 where it is filtered out. */
  ranks: number[];
  /** [users, TOP] the best items, best first. */
  top: number[][];
}

export interface ProcessOptions {
  shape: StepShape;
  rows: string;
  /** A safetensors file to start with; none: weights of its own. */
  weights: string;
  profile: boolean;
  /** Leave the items of the history in the ranking. */
  noFilter: boolean;
  /** Of tfjs: cpu, wasm or webgpu; whether in the best formulation known. */
  backend: string;
  best: boolean;
}

/** The options of a process that is started by the bench. */
export function processOptions(args = process.argv.slice(2)): ProcessOptions {
  const keys = Object.keys(SHAPE_KEYS) as ShapeKey[];
  const flag = (key: string) => key.replaceAll('_', '-');
  const typed = (names: string[], type: 'string' | 'boolean') =>
    Object.fromEntries(names.map((name) => [name, { type }]));
  const { values } = parseArgs({
    args,
    options: {
      ...typed([...keys.map(flag), 'rows', 'weights', 'backend'], 'string'),
      ...typed(['profile', 'no-filter', 'best'], 'boolean'),
    },
  });
  const given: Record<string, unknown> = values;
  const text = (name: string) => String(given[name] ?? '');
  const shape = Object.fromEntries(keys.map((key) => [key, Number(text(flag(key)))])) as StepShape;
  return {
    shape,
    rows: text('rows'),
    weights: text('weights'),
    profile: given.profile === true,
    noFilter: given['no-filter'] === true,
    backend: text('backend'),
    best: given.best === true,
  };
}

/** Ends the process with one line on stderr, which the bench passes on, instead of a stack. */
export function onError(): void {
  process.on('uncaughtException', (error) => {
    process.stderr.write(`${String(error.message).trim().split('\n')[0]}\n`);
    process.exit(1);
  });
}

/** Says that it is ready and answers each question of its input, until `quit` or its end. */
export async function serve(
  answers: Partial<Record<Question, () => Promise<Omit<Reply, 'ms' | 'rss_mib'>>>>,
  about: Omit<Ready, 'ready'>,
): Promise<void> {
  const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
  say({ ready: true, ...about });
  for await (const line of createInterface({ input: process.stdin })) {
    const question = line.trim();
    if (question === 'quit') break;
    const start = performance.now();
    const result = await answers[question as Question]!();
    say({ ms: performance.now() - start, ...result, rss_mib: peakRssMib() });
  }
}
