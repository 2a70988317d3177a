import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FoundAdapter } from '../../src/node/adapter.js';

/** The folder of the clone: this file runs from bench/.build/bench/common, and in tests where it stands. */
export const ROOT = [
  fileURLToPath(new URL('../../', import.meta.url)),
  fileURLToPath(new URL('../../../../', import.meta.url)),
].find((folder) => existsSync(join(folder, 'package.json')))!;

/** Share of the processors kept busy by others at which timings begin to suffer. */
export const BUSY = 0.25;

/** What a measurement was taken on; it stands in every line of JSON. */
export interface Setting {
  adapter: string;
  driver: string;
  processor: string;
  /** With a + where tracked files differ from it; `unknown` outside a clone. */
  commit: string;
}

export function settingOf({ name, driver }: FoundAdapter): Setting {
  const [first] = cpus();
  const processor = `${cpus().length} x ${first?.model.trim() ?? 'unknown'}`;
  return { adapter: name, driver, processor, commit: commit() };
}

function commit(): string {
  const git = (...args: string[]) => spawnSync('git', args, { cwd: ROOT, encoding: 'utf8' });
  const head = git('rev-parse', '--short', 'HEAD');
  if (head.status !== 0) return 'unknown';
  const others = ['.', ':!bench/results']; // results that were kept just before change nothing that is measured
  const changed = git('status', '--porcelain', '--untracked-files=no', '--', ...others).stdout !== '';
  return head.stdout.trim() + (changed ? '+' : '');
}

/** A warning where others keep the machine busy before the bench begins. */
export function loadWarning(load = loadavg()[0], count = cpus().length): string | undefined {
  if (load <= BUSY * count) return undefined;
  return `the machine is busy (load ${load.toFixed(1)} on ${count} processors): trust ratios within this run, not times`;
}
