import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { ROOT } from '../common/setting.js';

/** Which parts of the whole to run, and how large. */
export interface Plan {
  /** Of the training step. */
  batchSizes: readonly number[];
  /** The implementations to compare ours with. */
  against: string;
  /** To evaluate. */
  users: number;
  repeat: number;
  /** Only this operation. */
  op?: string | undefined;
  save: boolean;
}

/** Parts that run one after the other, each in a process of its own, so that a failing part does not affect the others. */
export const PIECES = ['tests', 'kernels', 'step', 'eval', 'scale', 'startup', 'serve'] as const;

export type PieceName = (typeof PIECES)[number];

/** What a part printed, one JSON object per line; and why it failed, if it did. */
export interface Outcome {
  /** The part's name, with its batch size if there are several. */
  name: string;
  rows: Record<string, unknown>[];
  failure?: string;
}

/** The command lines of a part, by name. */
export function commandsOf(piece: PieceName, plan: Plan): [name: string, command: string[]][] {
  const keep = ['--json', ...(plan.save ? ['--save'] : [])];
  const race = ['--shape', 'ml1m', '--impl', `gsas,${plan.against}`, '--repeat', String(plan.repeat)];
  switch (piece) {
    case 'tests':
      return [[piece, tests(plan.op)]];
    case 'kernels':
      return [[piece, bench(piece, ...(plan.op ? ['--op', plan.op] : []), ...keep)]];
    case 'step':
      return plan.batchSizes.map((size) => [
        `${piece} B=${size}`,
        bench(piece, ...race, '--batch-size', String(size), '--profile', ...keep),
      ]);
    case 'eval':
      return [[piece, bench(piece, ...race, '--users', String(plan.users), ...keep)]];
    default:
      return [[piece, bench(piece, ...keep)]];
  }
}

function bench(...args: string[]): string[] {
  return [process.execPath, join(ROOT, 'bench', '.build', 'bench', 'main.js'), ...args];
}

/** The kernels' tests, of one operation or of all. Reports only numbers, in one line of JSON. */
function tests(op: string | undefined): string[] {
  const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
  return [process.execPath, vitest, 'run', 'test/kernels.test.ts', '--reporter=json', ...(op ? ['-t', op] : [])];
}

/** Runs a command of a part on the adapter of that name. Its stderr is shown, and the last line of a failure is kept. */
export async function runCommand(name: string, [file, ...args]: string[], adapter: string): Promise<Outcome> {
  const child = spawn(file!, args, {
    cwd: ROOT,
    env: { ...process.env, GSAS_ADAPTER: adapter },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const rows: Record<string, unknown>[] = [];
  let complaint = '';
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.startsWith('{')) rows.push(JSON.parse(line));
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    process.stderr.write(text);
    complaint = (complaint + text).slice(-10_000);
  });
  const ended = await new Promise<string | number>((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) => resolve(signal ?? code ?? 1));
  });
  if (ended === 0) return { name, rows };
  const last = complaint.trim().split('\n').at(-1);
  return { name, rows, failure: last?.replace(/^error: /, '') || `ended by ${ended}` };
}
