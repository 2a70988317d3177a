import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { arch, cpus, platform, release } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Gpu } from '../engine/gpu.js';

/** What a run was trained with: enough to explain why two runs differ. */
export interface Environment {
  /** Of this package. */
  readonly version: string;
  /** The commit of its repository, with `-dirty` if files differ from it; null if it was installed as a package. */
  readonly commit: string | null;
  readonly node: string;
  readonly platform: string;
  readonly cpu: string;
  /** The GPU's name, and the driver in its own words. */
  readonly adapter: string;
  readonly driver: string;
}

const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));

/** Of this package. */
export function packageVersion(): string {
  return JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8')).version;
}

export function describeEnvironment({ adapter }: Gpu): Environment {
  const processors = cpus();
  return {
    version: packageVersion(),
    commit: commitOf(PACKAGE),
    node: process.versions.node,
    platform: `${platform()} ${release()} ${arch()}`,
    cpu: `${processors.length} x ${processors[0]?.model.trim() ?? 'unknown'}`,
    adapter: (adapter.info.device || adapter.info.vendor).replace(/^-|-$/g, ''),
    driver: adapter.info.description,
  };
}

function commitOf(folder: string): string | null {
  if (!existsSync(join(folder, '.git'))) return null;
  try {
    const args = ['-C', folder, 'describe', '--always', '--dirty', '--abbrev=12', '--exclude=*'];
    return execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return null; // no git here
  }
}
