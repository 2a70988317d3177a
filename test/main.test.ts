import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { gsas, MAIN } from './support/command.js';
import { expectMistake } from './support/output.js';

const run = (...args: string[]) => gsas(process.cwd(), ...args);

test('no command prints the help, --version the version', async () => {
  expect(await run()).toMatchObject({ status: 0, stdout: expect.stringContaining('Usage: gsas-wgpu'), stderr: '' });
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  expect(await run('--version')).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
});

test('a command that only holds others prints its help, too', async () => {
  expect(await run('data')).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('Usage: gsas-wgpu data'),
    stderr: '',
  });
});

test.each([
  [['trian'], "unknown command 'trian'"],
  [['doctor', '--jsno'], "unknown option '--jsno' (Did you mean --json?)"],
  [['doctor', '--install', 'mesa'], 'lavapipe, swiftshader'],
  [['evaluate', '/no/such/run'], '/no/such/run'],
])('%j is a mistake in usage: one line, exit code 2', async (args, expected) => {
  expectMistake(await run(...args), expected);
});

test('the stack is printed with --verbose only', async () => {
  const { stderr } = await run('evaluate', '/no/such/run', '--verbose');
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
