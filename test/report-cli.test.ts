import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeDataset } from '../src/data/layout.js';
import { syntheticDataset } from '../src/data/synthetic.js';
import { readAnalysis } from '../src/report/analysis.js';
import { gsas, startGsas } from './support/command.js';

/** The constants of test/training.test.ts, so that a driver's shader cache serves both. */
const SMALL = [
  ...['--sequence-length', '20', '--embedding-dim', '16', '--num-heads', '2', '--num-blocks', '1'],
  ...['--negs-per-pos', '8', '--train-batch-size', '32', '--max-batches-per-epoch', '4', '--dropout-rate', '0.1'],
  ...['--lr', '5e-3', '--init-std', '0.02', '--seed', '5'],
];

let folder: string;
const at = (...path: string[]) => join(folder, ...path);
const run = (...args: string[]) => gsas(folder, ...args);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gsas-report-cli-'));
  writeDataset(at('data'), syntheticDataset({ items: 240, users: 200, valUsers: 40 }).dataset);
  const train = await run('train', '--data', 'data', '--out', 'runs/first', ...SMALL, '--max-epochs', '2');
  expect(train).toMatchObject({
    status: 0,
    stderr: '',
    stdout: expect.stringMatching(/^report: runs\/first\/report\.html$/m),
  });
});
afterAll(() => rmSync(folder, { recursive: true }));

it('ends a training with its report, titles included', () => {
  const page = readFileSync(at('runs/first/report.html'), 'utf8');
  for (const heading of ['Results', 'Learning', 'Calibration', 'Recommendations', 'GPU time', 'Configuration']) {
    expect(page).toContain(`<h2>${heading}</h2>`);
  }
  const { examples } = readAnalysis(at('runs/first'))!;
  expect(examples[0]!.target.title).toBeTypeOf('string');
});

it('measures what is missing for a report, and compares runs', async () => {
  const args = ['--data', 'data', '--out', 'runs/second', ...SMALL, '--lr', '1e-3', '--max-epochs', '1', '--no-report'];
  expect(await run('train', ...args)).toMatchObject({ status: 0 });
  expect(existsSync(at('runs/second/report.html'))).toBe(false);
  const { status, stdout, stderr } = await run('report', 'runs/first', 'runs/second', '--out', 'both.html');
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'both.html\n', stderr: '' });
  expect(readAnalysis(at('runs/second'))).toMatchObject({ step: 4 });
  expect(readFileSync(at('both.html'), 'utf8')).toContain('Difference to first');
  expect(await run('runs')).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(
      /^run .*\n(runs\/\S+ +data +ndcg@10 0\.\d{4} +\d+ +\d+ +\d+s +finished: max_epochs reached\n){2}$/,
    ),
  });
  const lines = (await run('runs', 'runs', '--json')).stdout.trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line).steps).sort()).toEqual([4, 8]);
});

it('shows a training live while it goes on, and no longer', async () => {
  const training = startGsas(folder, 'train', '--data', 'data', '--out', 'runs/live', ...SMALL, '--watch');
  const shown = /^runs\/live is shown at (\S+)$/m;
  await training.printed(shown);
  await training.printed(/^epoch 1 /m);
  training.signal('SIGINT');
  const { status, stdout } = await training.ended;
  expect(status).toBe(0);
  expect(stdout).toContain(': interrupted\n');
  await expect(fetch(shown.exec(stdout)![1]!)).rejects.toThrow();
});

it('serves a finished run until Ctrl-C', async () => {
  const server = startGsas(folder, 'watch', 'runs/first', '--port', '0');
  await server.printed(/is shown at http:\/\/127\.0\.0\.1:\d+\/ until Ctrl-C/);
  server.signal('SIGINT');
  expect(await server.ended).toMatchObject({ status: 0, stderr: '' });
});

it.each([
  ['no run', ['report', 'data'], 'data is not the folder of a run'],
  ['no folder', ['report', 'never'], 'there is no folder never'],
  ['no run to watch', ['watch', 'data'], 'data is not the folder of a run'],
  ['a port that is none', ['watch', 'runs/first', '--port', '70000'], 'It must be a port'],
  ['no runs', ['runs', 'data'], 'data holds no run'],
  ['no folder of runs', ['runs', 'never'], 'there is no folder never'],
])('exits 2 with one line for %s', async (_, args, message) => {
  const { status, stdout, stderr } = await run(...args);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(/^error: .*\n$/);
  expect(stderr).toContain(message);
});
