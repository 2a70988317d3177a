import { execFile } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { surveyAdapters } from '../src/node/adapter.js';
import { findSwiftshader } from '../src/node/swiftshader.js';
import { driverManifests } from '../src/node/vulkan.js';
import { findDeno } from './support/deno.js';
import { type CaseResults, describeCases, describeUntested } from './support/portable.js';

const ROOT = new URL('..', import.meta.url);
const WHAT = "kernels in Deno's WebGPU";

const deno = findDeno();
if (!deno) describeUntested(WHAT, 'there is no deno; name one by GSAS_DENO, or run .ci/run, which installs one');
// wgpu uses no subgroups here, so there is one variant of each kernel.
else describeCases(WHAT, () => runInDeno(deno));

/** Runs the registry's cases through the built library on the adapter that all tests use. */
async function runInDeno(program: string): Promise<CaseResults> {
  const [runner, library] = ['test/support/run-cases.mjs', 'dist/browser.js'].map((path) => new URL(path, ROOT).href);
  const script = `
    import { runCases } from '${runner}';
    import * as library from '${library}';
    console.log(JSON.stringify(await runCases(library)));`;
  const flags = ['--unstable-webgpu', '--no-lock', '--no-remote', '--node-modules-dir=manual'];
  const { stdout } = await promisify(execFile)(program, ['eval', ...flags, script], {
    cwd: fileURLToPath(ROOT),
    env: { ...process.env, ...(await softwareDriver()) },
    maxBuffer: 2 ** 26,
  });
  return JSON.parse(stdout);
}

/** Environment that shows the Vulkan loader of another process the software driver that is used here; empty where it is a real GPU. */
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
