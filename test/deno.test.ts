import { execFile } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { surveyAdapters } from '../src/node/adapter.js';
import { findSwiftshader } from '../src/node/swiftshader.js';
import { driverManifests } from '../src/node/vulkan.js';
import { findDeno } from './support/deno.js';
import { describeCases, scriptOf, testTraining } from './support/portable-tests.js';
import { describeUntested } from './support/untested.js';

const ROOT = new URL('..', import.meta.url);
const WHAT = "kernels in Deno's WebGPU";

const deno = findDeno();
if (!deno) describeUntested(WHAT, 'there is no deno; name one by GSAS_DENO, or run .ci/run, which installs one');
else {
  describeCases(WHAT, () => runInDeno(deno, 'runCases(library)')); // wgpu offers no subgroups, so kernels have one variant
  testTraining('trains and recommends in Deno as in Node', () => runInDeno(deno, 'runTraining(library)'));
}

/** Evaluates an expression with the built library on the adapter that all tests use. */
async function runInDeno(program: string, expression: string): Promise<unknown> {
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
