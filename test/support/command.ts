import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

/** The built command, as a user runs it; `npm test` builds it first. */
export const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** Dawn prints these on Mesa and has no way to silence them. They are harmless. */
const DAWN_REMARK =
  /^Warning: maxDynamic(Uniform|Storage)BuffersPerPipelineLayout artificially reduced from \d+ to \d+ to fit dynamic offset allocation limit\.\n/gm;

export interface Outcome {
  /** The exit code; null if a signal ended it. */
  status: number | null;
  stdout: string;
  /** Without Dawn's warnings. */
  stderr: string;
}

/** A running command. */
export interface Running {
  readonly ended: Promise<Outcome>;
  /** Waits until standard output matches. Rejects if it ends without a match. @returns the match */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  /** The same for standard error. */
  warned(pattern: RegExp): Promise<RegExpExecArray>;
  signal(name: 'SIGINT' | 'SIGTERM' | 'SIGKILL' | 'SIGHUP'): void;
}

/** Starts a program with its output in pipes, so not on a terminal. @param env in addition to this process's */
export function start(program: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}): Running {
  const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  const ended = new Promise<Outcome>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stdout, stderr: stderr.replaceAll(DAWN_REMARK, '') }));
  });
  const matching = (stream: Readable, text: () => string) => (pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(text());
        if (match) resolve(match);
      };
      stream.on('data', look);
      child.on('close', () => reject(new Error(`it ended without printing ${pattern}: ${stdout}${stderr}`)));
      look();
    });
  const printed = matching(child.stdout, () => stdout);
  const warned = matching(child.stderr, () => stderr);
  return { ended, printed, warned, signal: (name) => child.kill(name) };
}

/** Starts `gsas-wgpu` with these arguments in a folder. */
export function startGsas(cwd: string, ...args: readonly string[]): Running {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is missing: run \`npm run build\`, or the tests by \`npm test\``);
  return start(process.execPath, [MAIN, ...args], cwd);
}

/** Runs `gsas-wgpu` with these arguments in a folder to its end. */
export function gsas(cwd: string, ...args: readonly string[]): Promise<Outcome> {
  return startGsas(cwd, ...args).ended;
}
