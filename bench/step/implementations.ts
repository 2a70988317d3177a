import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { GsasError } from '../../src/base/errors.js';
import { ROOT } from '../common/setting.js';
import type { Question, Ready, Reply } from './protocol.js';

const TFJS = join(ROOT, 'bench', 'baselines', 'tfjs');

/**
 * How to start each implementation, before the flags that all of them take. `-best` is the fastest known way to write it with the same library, which is not
 * how users write it; in PyTorch it differs only in evaluation.
 */
export const IMPLEMENTATIONS = {
  gsas: () => [process.execPath, join(ROOT, 'bench', '.build', 'bench', 'step', 'gsas.js')],
  pytorch: () => pytorch('--device', 'cpu'),
  'pytorch-best': () => pytorch('--device', 'cpu', '--seen', 'all-at-once'),
  'pytorch-cuda': () => pytorch('--device', 'cuda'),
  'tfjs-wasm': () => tfjs('--backend', 'wasm'),
  'tfjs-wasm-best': () => tfjs('--backend', 'wasm', '--best'),
  'tfjs-webgpu': () => tfjs('--backend', 'webgpu'),
  'tfjs-webgpu-best': () => tfjs('--backend', 'webgpu', '--best'),
  'tfjs-cpu': () => tfjs('--backend', 'cpu'),
  'tfjs-cpu-best': () => tfjs('--backend', 'cpu', '--best'),
} as const satisfies Record<string, () => string[]>;

export type ImplementationName = keyof typeof IMPLEMENTATIONS;

function pytorch(...flags: string[]): string[] {
  const script = join(ROOT, 'bench', 'baselines', 'pytorch', 'step.py');
  return [process.env.GSAS_PYTHON || 'python3', script, '--warmup', '0', ...flags];
}

function tfjs(...flags: string[]): string[] {
  if (!existsSync(join(TFJS, 'node_modules', '.package-lock.json'))) {
    console.error('Installing tfjs for the comparison (npm ci in bench/baselines/tfjs, 330 MB)');
    const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd: TFJS,
      stdio: ['ignore', 2, 2],
      shell: process.platform === 'win32',
    });
    if (status !== 0) throw new GsasError('tfjs could not be installed, see above');
  }
  return [process.execPath, join(TFJS, 'step.mjs'), ...flags];
}

/** An implementation in a process of its own, ready to run steps or evaluations one after the other. */
export class Implementation {
  readonly #lines: AsyncIterator<string>;
  #complaint = '';
  about: Ready | undefined;

  private constructor(
    readonly name: string,
    private readonly child: ChildProcessWithoutNullStreams,
  ) {
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#complaint = (this.#complaint + text).slice(-10_000);
    });
    child.stdin.on('error', () => {}); // a missing answer will show that the process is gone
  }

  /** Starts it and waits until it is ready. @throws GsasError with the last line that it wrote to stderr */
  static async start(name: ImplementationName, flags: readonly string[]): Promise<Implementation> {
    return Implementation.run(name, [...IMPLEMENTATIONS[name](), ...flags]);
  }

  /** Starts any program that speaks the protocol. */
  static async run(name: string, [command, ...args]: readonly string[]): Promise<Implementation> {
    const child = spawn(command!, args);
    const started = new Implementation(name, child);
    const failed = new Promise<never>((_, reject) => {
      child.on('error', (error) => reject(new GsasError(`${name}: ${error.message}`)));
    });
    started.about = (await Promise.race([started.#read(), failed])) as Ready;
    return started;
  }

  /** @throws GsasError with the last line that it wrote to stderr if it ends instead of answering */
  async ask(question: Question): Promise<Reply> {
    this.child.stdin.write(`${question}\n`);
    return (await this.#read()) as Reply;
  }

  stop(): void {
    this.child.stdin.end('quit\n');
  }

  async #read(): Promise<unknown> {
    const { value, done } = await this.#lines.next();
    if (!done) return JSON.parse(value);
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'close');
    const { exitCode, signalCode } = this.child;
    throw new GsasError(
      `${this.name}: ${this.#complaint.trim().split('\n').at(-1) || `ended by ${signalCode ?? exitCode}`}`,
    );
  }
}
