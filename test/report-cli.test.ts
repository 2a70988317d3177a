import { cpSync, existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { beforeAll, expect, it } from 'vitest';
import { readAnalysis, writeAnalysis } from '../src/report/analysis.js';
import { writeDataset } from '../src/store/layout.js';
import { gsas, startGsas } from './support/command.js';
import { expectMistake, objectsOf } from './support/output.js';
import { scratchFolder } from './support/scratch.js';
import { dataset, flagsOf, TRAINING } from './support/small.js';

const FLAGS = flagsOf(TRAINING);

const at = scratchFolder();
const run = (...args: string[]) => gsas(at(), ...args);

beforeAll(async () => {
  writeDataset(at('data'), dataset);
  const train = await run('train', '--data', 'data', '--out', 'runs/first', ...FLAGS, '--max-epochs', '2');
  expect(train).toMatchObject({
    status: 0,
    stderr: '',
    stdout: expect.stringMatching(/^report: runs\/first\/report\.html$/m),
  });
});

it('ends a training with its report, titles included', () => {
  const page = readFileSync(at('runs/first/report.html'), 'utf8');
  for (const heading of [
    'Results',
    'Learning',
    'Calibration',
    'Recommendations',
    'Data',
    'GPU time',
    'Configuration',
  ]) {
    expect(page).toContain(`<h2>${heading}</h2>`);
  }
  const { examples } = readAnalysis(at('runs/first'))!;
  expect(examples[0].target.title).toBeTypeOf('string');
});

it('measures what is missing for a report, and compares runs', async () => {
  const args = ['--data', 'data', '--out', 'runs/second', ...FLAGS, '--lr', '1e-3', '--max-epochs', '1', '--no-report'];
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
  const runs = objectsOf((await run('runs', 'runs', '--json')).stdout);
  expect(runs.map(({ steps }) => steps).sort()).toEqual([4, 8]);
});

it('measures what an earlier version did not, unless the data has gone, and keeps what it has then', async () => {
  cpSync(at('runs/first'), at('runs/earlier'), { recursive: true });
  const { cases: _, data: __, ...less } = readAnalysis(at('runs/earlier'))!;
  writeAnalysis(at('runs/earlier'), less);
  renameSync(at('data'), at('moved'));
  const without = await run('report', 'runs/earlier');
  renameSync(at('moved'), at('data'));
  expect(without).toMatchObject({
    status: 0,
    stderr: expect.stringMatching(
      /^runs\/earlier is reported without what an earlier version did not measure: .*data.*\n$/,
    ),
  });
  expect(readFileSync(at('runs/earlier/report.html'), 'utf8')).toContain('<h2>Results');
  expect(await run('report', 'runs/earlier')).toMatchObject({ status: 0, stderr: '' });
  expect(readAnalysis(at('runs/earlier'))).toHaveProperty('data.train.lines', dataset.train.count);
  rmSync(at('runs/earlier'), { recursive: true });
});

it('shows a training live while it goes on, and no longer', async () => {
  const training = startGsas(at(), 'train', '--data', 'data', '--out', 'runs/live', ...FLAGS, '--watch');
  const shown = /^runs\/live is shown at (\S+)$/m;
  await training.printed(shown);
  await training.printed(/^epoch 1 /m);
  training.signal('SIGINT');
  const { status, stdout } = await training.ended;
  expect(status).toBe(0);
  expect(stdout).toContain(': interrupted\n');
  await expect(fetch(shown.exec(stdout)![1])).rejects.toThrow();
});

it('serves a finished run until Ctrl-C', async () => {
  const server = startGsas(at(), 'watch', 'runs/first', '--port', '0');
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
  expectMistake(await run(...args), message);
});
