import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'vitest';

/** Reads a file in a process of its own, whose peak before and after shows how much memory that took. */
const SCRIPT = `
const [module, name, file] = process.argv.slice(1);
const read = (await import(module))[name];
const peak = () => 1024 * process.resourceUsage().maxRSS;
const before = peak();
let refused;
const began = performance.now();
try { read(file); } catch (error) { refused = error.constructor.name + ': ' + error.message; }
console.log(JSON.stringify({ bytes: peak() - before, seconds: (performance.now() - began) / 1000, refused }));
`;

/** Memory that is not collected yet, whatever the file, with a small young generation. */
const SLACK = 48 * 2 ** 20;
const MOST_SECONDS = 60;

/**
 * Expects a reader to take at most ten times a file's size of memory, and to refuse it by an InputError.
 * @param module a file of dist, which `npm test` builds
 * @returns the error's message
 */
export async function refusesCheaply(file: string, module: string, name: string): Promise<string> {
  const url = pathToFileURL(`dist/${module}`).href;
  const args = ['--max-semi-space-size=4', '--input-type=module', '-e', SCRIPT, url, name, file];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 1000 * MOST_SECONDS });
  const { bytes, refused } = JSON.parse(stdout);
  expect(refused).toMatch(/^(InputError|DamagedFileError): /);
  expect(bytes, `peak for ${statSync(file).size} bytes`).toBeLessThan(10 * statSync(file).size + SLACK);
  return refused.replace(/^(InputError|DamagedFileError): /, '');
}
