import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { surveyAdapters } from '../../src/node/adapter.js';
import { cacheFolder } from '../../src/node/cache.js';
import { findSwiftshader } from '../../src/node/swiftshader.js';
import { driverManifests } from '../../src/node/vulkan.js';
import { scriptOf } from './portable-tests.js';

const ROOT = new URL('../..', import.meta.url);

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

/** Evaluates an expression with the built library on the adapter that all tests use. */
export async function runInDeno(program: string, expression: string): Promise<unknown> {
  const script = `console.log(JSON.stringify(await ${scriptOf(ROOT.href, expression)}));`;
  const flags = ['--unstable-webgpu', '--no-lock', '--no-remote', '--node-modules-dir=manual'];
  const { stdout } = await promisify(execFile)(program, ['eval', ...flags, script], {
    cwd: fileURLToPath(ROOT),
    env: { ...process.env, ...(await softwareDriver()) },
    maxBuffer: 2 ** 26,
  });
  return JSON.parse(stdout);
}

/** An environment in which another process's Vulkan loader finds the software driver used here; empty for a real GPU. */
async function softwareDriver(): Promise<Record<string, string>> {
  const { chosen } = await surveyAdapters();
  if (!chosen?.software) return {};
  if (chosen.name.includes('swiftshader')) {
    const { manifest, loader } = findSwiftshader()!;
    return { VK_ICD_FILENAMES: manifest, LD_LIBRARY_PATH: dirname(loader) };
  }
  const lavapipe = driverManifests().find((manifest) => /lvp|lavapipe/.test(manifest));
  return lavapipe ? { VK_ICD_FILENAMES: lavapipe } : {};
}
