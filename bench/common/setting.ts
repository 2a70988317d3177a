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

/** The share of the processors busy with other work from which on timings suffer. */
export const BUSY = 0.25;

/** The setting of a measurement, which is in every line of JSON. */
export interface Setting {
  adapter: string;
  driver: string;
  processor: string;
  /** With a + if tracked files differ from it; `unknown` outside a clone. */
  commit: string;
}

export function settingOf({ name, driver }: FoundAdapter): Setting {
  const [first] = cpus();
  const processor = `${cpus().length} x ${first?.model.trim() ?? 'unknown'}`;
  return { adapter: name, driver, processor, commit: commit() };
}

/** A setting in one line, above what was measured in it. */
export function settingText({ adapter, driver, processor, commit }: Setting): string {
  return `${adapter} (${driver}) on ${processor}, commit ${commit}`;
}

function commit(): string {
  const git = (...args: string[]) => spawnSync('git', args, { cwd: ROOT, encoding: 'utf8' });
  const head = git('rev-parse', '--short', 'HEAD');
  if (head.status !== 0) return 'unknown';
  const others = ['.', ':!bench/results']; // results saved just before do not change what is measured
  const changed = git('status', '--porcelain', '--untracked-files=no', '--', ...others).stdout !== '';
  return head.stdout.trim() + (changed ? '+' : '');
}

/** A warning if other work keeps the machine busy before the bench begins. */
export function loadWarning(load = loadavg()[0], count = cpus().length): string | undefined {
  if (load <= BUSY * count) return undefined;
  return `the machine is busy (load ${load.toFixed(1)} on ${count} processors): trust ratios within this run, not times`;
}
