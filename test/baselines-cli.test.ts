import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { summarizeDataset } from '../src/data/dataset.js';
import { markov } from '../src/infer/baselines.js';
import { itemKnn } from '../src/infer/item-knn.js';
import { writeDataset } from '../src/store/layout.js';
import { gsas, startGsas } from './support/command.js';
import { expectMistake, objectsOf } from './support/output.js';
import { scratchFolder } from './support/scratch.js';
import { dataset, MODEL } from './support/small.js';
import { writeUntrainedRun } from './support/untrained-run.js';

const at = scratchFolder();
const run = (...args: string[]) => gsas(at(), ...args);
const succeed = async (...args: string[]) => {
  const { status, stdout, stderr } = await run(...args);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
};

beforeAll(() => {
  writeDataset(at('data'), dataset);
  writeUntrainedRun(at('a'), { options: MODEL, data: at('data'), step: 3 });
});

describe('a baseline in place of a run', () => {
  it('is evaluated as beside one', async () => {
    const args = ['--resamples', '50', '--buckets', '0', '--json'];
    const beside = objectsOf(await succeed('evaluate', 'a', '--baselines', ...args));
    for (const [model, row] of [
      ['popularity', 1],
      ['markov', 2],
      ['item-knn', 3],
    ] as const) {
      const [alone, ...rest] = objectsOf(await succeed('evaluate', '--model', model, '--data', 'data', ...args));
      expect(rest).toEqual([]);
      expect({ run: 'a', ...alone }).toEqual(beside[row]);
    }
  });

  it('is compared with a run, on the data of that run', async () => {
    const args = ['--against', 'a', '--resamples', '50', '--buckets', '0'];
    const text = await succeed('evaluate', '--model', 'markov', '--baselines', ...args);
    expect(text).toMatch(/^data: 200 users/);
    expect(text).toMatch(/^ +markov +a +popularity +item-based nearest neighbours$/m); // Markov counts stand there once
    expect(text).toContain('markov less a, paired by user');
    const [, , , , paired] = objectsOf(
      await succeed('evaluate', '--model', 'markov', '--baselines', ...args, '--json'),
    );
    expect(paired).toMatchObject({ name: 'markov', against: 'a', targets: 200 });
  });

  it('takes its options', async () => {
    const args = ['--knn-neighbours', '5', '--knn-shrinkage', '2', '--history', '5 9', '--top', '4', '--json'];
    const printed = objectsOf(await succeed('recommend', '--model', 'item-knn', '--data', 'data', ...args));
    const [expected] = await itemKnn(dataset, { knn_neighbours: 5, knn_shrinkage: 2 }).top([[5, 9]], { top: 4 });
    expect(printed.map(({ item, score }) => ({ item, score }))).toEqual(expected);
  });

  it('recommends after a history, and for a split', async () => {
    const expected = async (history: number[]) => (await markov(dataset).top([history], { top: 4 }))[0];
    const printed = objectsOf(
      await succeed('recommend', '--model', 'markov', '--data', 'data', '--history', '5 9', '--top', '4', '--json'),
    );
    expect(printed.map(({ item, score }) => ({ item, score }))).toEqual(await expected([5, 9]));
    expect(await succeed('recommend', '--model', 'markov', '--data', 'data', '--history', '5 9')).toMatch(
      /\nscores are how often an item came right after the last one in training; what is below 1 is its popularity\n$/,
    );
    const args = ['--split', 'val', '--top', '4', '--out', 'val.jsonl'];
    await succeed('recommend', '--model', 'markov', '--data', 'data', ...args);
    const rows = objectsOf(readFileSync(at('val.jsonl'), 'utf8')).filter(({ line }) => line === 7);
    const own = await expected([...dataset.val.inputs.at(6)]);
    expect(rows.map(({ item }) => item)).toEqual(own.map(({ item }) => item));
  });

  it('is served', async () => {
    const service = startGsas(at(), 'serve', '--model', 'popularity', '--data', 'data', '--port', '0');
    const [, address] = await service.printed(/^popularity is served at (http:\/\/127\.0\.0\.1:\d+\/) until Ctrl-C$/m);
    const health = await (await fetch(`${address}health`)).json();
    expect(health).toMatchObject({ model: 'popularity', data: { name: 'data', ...summarizeDataset(dataset) } });
    expect(health).not.toHaveProperty('run');
    service.signal('SIGTERM');
    const { status, stderr } = await service.ended;
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('counts the embedded catalogue without data, whose truth the oracle knows', async () => {
    const args = ['--history', '1 2', '--top', '3', '--json'];
    const [first] = objectsOf(await succeed('recommend', '--model', 'oracle', ...args));
    expect(first.probability).toBe(first.score);
    expect(first.probability).toBeGreaterThan(0.05);
    const [popular] = objectsOf(await succeed('recommend', '--model', 'popularity', ...args));
    expect(popular).not.toHaveProperty('probability');
  });

  it.each<[string, string[], ...string[]]>([
    ['neither a run nor a baseline', ['evaluate'], 'name a run, or a baseline in its place: --model popularity'],
    ['both', ['evaluate', 'a', '--model', 'markov'], '--model markov stands in place of a run; leave out one of a'],
    ['an unknown one', ['recommend', '--model', 'mean', '--history', '1'], 'Allowed choices are popularity, markov'],
    ['the oracle of other data', ['serve', '--model', 'oracle', '--data', 'data'], 'the oracle knows the truth of the'],
    [
      'an option of another one',
      ['evaluate', '--model', 'markov', '--knn-shrinkage', '3'],
      'knn_shrinkage is 3, but means nothing for the model markov; leave it out, or choose item-knn',
    ],
    ['an option of one for a run', ['evaluate', 'a', '--knn-neighbours', '3'], 'knn_neighbours means nothing for a'],
    [
      'a value that an option cannot have',
      ['serve', '--model', 'item-knn', '--knn-neighbours', '0'],
      '--knn-neighbours is 0; it must be an integer, at least 1',
    ],
    ['data that is not there', ['serve', '--model', 'markov', '--data', 'none'], 'there is no folder'],
  ])('is refused: %s', async (_, args, ...parts) => {
    expectMistake(await run(...args), ...parts);
  });
});
