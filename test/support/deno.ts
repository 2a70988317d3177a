import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../../src/node/cache.js';

/** Deno's program: $GSAS_DENO, the one on the path, or the one that `.ci/run` keeps in the user's cache. Undefined if there is none. */
export function findDeno(): string | undefined {
  if (process.env.GSAS_DENO) return process.env.GSAS_DENO;
  try {
    const find = process.platform === 'win32' ? 'where' : 'which';
    return execFileSync(find, ['deno'], { stdio: ['ignore', 'pipe', 'ignore'], encoding: 'utf8' })
      .split('\n')[0]
      .trim();
  } catch {}
  const cached = join(cacheFolder(), 'deno', 'node_modules', '.bin', 'deno');
  return existsSync(cached) ? cached : undefined;
}
