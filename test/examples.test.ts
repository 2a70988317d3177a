import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { start } from './support/command.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** On SwiftShader, beside other tests. */
vi.setConfig({ testTimeout: 300_000 });

const BROUGHT = process.env.TMPDIR;

/** The examples work in the system's temporary folder: this one, which is removed after the test. */
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gsas-examples-'));
  process.env.TMPDIR = folder;
});
afterEach(() => {
  if (BROUGHT === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = BROUGHT;
  rmSync(folder, { recursive: true });
});

/** Runs an example as its first lines say, in the root folder. @returns what it printed */
async function run(name: string): Promise<string> {
  const { status, stdout, stderr } = await start(process.execPath, [join('examples', name)], ROOT).ended;
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

const numbers = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, number]) => Number(number));

it('recommends the last of three books after the first two, from a log file', async () => {
  const printed = await run('log-to-recommendations.mjs');
  expect(printed).toMatch(/^\d+ loans of 44 books by 1000 readers/);
  const [, best] = /After The Hobbit, The Fellowship of the Ring, The Two Towers:\n +\d+ % {2}(.*)\n/.exec(printed)!;
  expect(best).toBe('The Return of the King');
  const [made] = readdirSync(folder);
  expect(printed).toContain(`npx gsas-wgpu serve ${join(folder, made!, 'run')}`);
});

it('ends on Ctrl-C with what it has learnt by then', async () => {
  const example = start(process.execPath, [join('examples', 'log-to-recommendations.mjs')], ROOT);
  await example.printed(/step 32: /);
  example.signal('SIGINT');
  const { status, stdout, stderr } = await example.ended;
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toContain('After The Hobbit');
});

it('shows that plain BCE promises more than comes true, and that gBCE does not', async () => {
  const printed = await run('overconfidence.mjs');
  const [plain, calibrated] = numbers(printed, /predicted probability@10 +(\S+)/g);
  const precisions = numbers(printed, /precision@10 +(\S+)/g);
  expect(plain).toBeGreaterThan(5 * precisions[0]);
  expect(calibrated).toBeGreaterThan(precisions[1] / 3);
  expect(calibrated).toBeLessThan(precisions[1] * 3);
  expect(printed).toMatch(/BCE promises \S+ times what comes true, gBCE \S+ times\.\n$/);
});

it('serves within a program, understands titles, and explains', async () => {
  const printed = await run('service.mjs');
  const answers = printed.split('\nread, and where the model looked:\n').slice(1);
  expect(answers).toHaveLength(3);
  expect(answers[1]).toContain('Dune Messiah');
  expect(answers[1]).toMatch(/next: Children of Dune, /);
  expect(answers[2]).toMatch(/unknown +The Cat in the Hat\n/);
});
