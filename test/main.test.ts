import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';

// The built command, as a user runs it; `npm test` builds it first.
const MAIN = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));

function gsas(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

beforeAll(() => {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is missing: run \`npm run build\`, or the tests by \`npm test\``);
});

test('no command prints the help, --version the version', () => {
  expect(gsas()).toMatchObject({ status: 0, stdout: expect.stringContaining('Usage: gsas-wgpu'), stderr: '' });
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  expect(gsas('--version')).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
});

test.each([
  [['trian'], "unknown command 'trian'"],
  [['doctor', '--jsno'], "unknown option '--jsno' (Did you mean --json?)"],
  [['doctor', '--install', 'mesa'], 'lavapipe, swiftshader'],
  [['evaluate', '/no/such/run'], '/no/such/run'],
])('%j is a mistake in usage: one line, exit code 2', (args, expected) => {
  const { status, stdout, stderr } = gsas(...args);
  expect(status).toBe(2);
  expect(stdout).toBe('');
  expect(stderr).toMatch(/^error: .*\n$/);
  expect(stderr).toContain(expected);
});

test('the stack is printed with --verbose only', () => {
  const { stderr } = gsas('evaluate', '/no/such/run', '--verbose');
  expect(stderr).toMatch(/\n {4}at /);
});

test('a reader that has seen enough ends it quietly', async () => {
  const child = spawn(process.execPath, [MAIN]);
  child.stdout.destroy();
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});
