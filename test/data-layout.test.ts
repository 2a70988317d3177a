import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { InputError } from '../src/base/errors.js';
import { type Dataset, describeDataset, Sequences } from '../src/data/dataset.js';
import { readDataset, writeDataset } from '../src/store/layout.js';
import { readTitles } from '../src/store/titles.js';
import { describeMovieLens } from './support/movielens.js';

const scratch = mkdtempSync(join(tmpdir(), 'gsas-data-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const WELL_FORMED = {
  'dataset_stats.json': '{"num_users": 3, "num_items": 9, "num_interactions": 13}',
  'train/input.txt': '1 2 3\n4\n5 6 7\n',
  'val/input.txt': '1 2 3\n',
  'val/output.txt': '8\n',
  'test/input.txt': '1 2 3 8\n4\n5 6 7\n',
  'test/output.txt': '9\n1\n2\n',
};

let folders = 0;

/** A folder of these files, well formed except for the changes; null leaves a file out. */
function folder(changes: Record<string, string | null> = {}): string {
  const dir = join(scratch, `data${folders++}`);
  for (const [name, text] of Object.entries({ ...WELL_FORMED, ...changes })) {
    if (text === null) continue;
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), text);
  }
  return dir;
}

const lists = (sequences: Sequences) => Array.from({ length: sequences.count }, (_, i) => [...sequences.at(i)]);

function expectInputError(run: () => unknown, ...parts: string[]) {
  let error: unknown;
  try {
    run();
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(InputError);
  const { message, exitCode } = error as InputError;
  for (const part of parts) expect(message).toContain(part);
  expect(message).not.toContain('\n');
  expect(exitCode).toBe(2);
}

describe('readDataset', () => {
  it('reads the official layout', () => {
    const dataset = readDataset(folder());
    expect(dataset.name).toMatch(/^data\d+$/);
    expect(dataset.numItems).toBe(9);
    expect(lists(dataset.train)).toEqual([[1, 2, 3], [4], [5, 6, 7]]);
    expect(lists(dataset.val.inputs)).toEqual([[1, 2, 3]]);
    expect([...dataset.val.targets]).toEqual([8]);
    expect(lists(dataset.test.inputs)).toEqual([[1, 2, 3, 8], [4], [5, 6, 7]]);
    expect([...dataset.test.targets]).toEqual([9, 1, 2]);
  });

  it('takes blanks around ids, tabs, CRLF and a missing last newline', () => {
    const { train } = readDataset(folder({ 'train/input.txt': ' 1 2  3 \r\n4\t5\r\n6' }));
    expect(lists(train)).toEqual([[1, 2, 3], [4, 5], [6]]);
  });

  it.each<[string, string, string | null, string[]]>([
    ['a missing file', 'val/output.txt', null, ['output.txt', 'ENOENT', 'val/']],
    ['an empty train file', 'train/input.txt', '', ['input.txt is empty']],
    ['an empty line', 'train/input.txt', '1 2\n\n3\n', ['input.txt, line 2 is empty', 'give']],
    ['a blank line', 'test/input.txt', '1\n2\n  \n', ['input.txt, line 3 is empty']],
    ['a word', 'train/input.txt', '1 2\n3 four 5\n', ['input.txt, line 2', '"four"', 'from 1 to', '(9)']],
    ['a word that begins with a digit', 'train/input.txt', '1 2x\n', ['input.txt, line 1', '"2x"']],
    ['a fraction', 'val/input.txt', '1 2.5\n', ['input.txt, line 1', '"2.5"']],
    ['a negative id', 'test/output.txt', '1\n-3\n2\n', ['output.txt, line 2', '"-3"']],
    ['id 0', 'train/input.txt', '1 0\n', ['input.txt, line 1', '"0" is not an item id']],
    ['an id above num_items', 'train/input.txt', '1\n2 10', ['input.txt, line 2', '"10" is above num_items', '(9)']],
    ['an id beyond 32 bits', 'train/input.txt', '4294967297\n', ['line 1', '"4294967297" is above num_items']],
    ['two targets', 'test/output.txt', '9\n1 2\n2\n', ['output.txt, line 2 holds 2 ids (1 2', 'keep only']],
    ['more inputs than targets', 'test/output.txt', '9\n1\n', ['input.txt has 3 lines', 'output.txt has 2']],
    ['bad JSON', 'dataset_stats.json', '{num_items: 9}', ['dataset_stats.json is not JSON', '{"num_items": 3416}']],
    ['JSON of several lines that ends early', 'dataset_stats.json', '{\n"num_items":\n', ['is not JSON']],
    ['no num_items', 'dataset_stats.json', '{"num_users": 3}', ['num_items is undefined', 'whole number']],
    ['JSON that is no object', 'dataset_stats.json', 'null', ['num_items is undefined']],
    ['num_items as text', 'dataset_stats.json', '{"num_items": "9"}', ['num_items is "9"']],
    ['a catalogue of one', 'dataset_stats.json', '{"num_items": 1}', ['num_items is 1', 'from 2']],
  ])('refuses %s', (_, file, text, parts) => {
    const dir = folder({ [file]: text });
    expectInputError(() => readDataset(dir), dir, ...parts);
  });

  it('refuses a folder that is missing or a file', () => {
    expectInputError(() => readDataset(join(scratch, 'nowhere')), 'no folder', 'nowhere', 'train/input.txt');
    expectInputError(() => readDataset(join(folder(), 'train/input.txt')), 'input.txt is not a folder');
  });
});

describe('writeDataset', () => {
  const dataset: Dataset = {
    name: 'tiny',
    numItems: 9,
    train: Sequences.from([[1, 2, 3], [4]]),
    val: { inputs: Sequences.from([[1, 2, 3]]), targets: Uint32Array.of(8) },
    test: { inputs: Sequences.from([[1, 2, 3, 8], [4]]), targets: Uint32Array.of(9, 1) },
    titles: new Map([
      [1, 'Princess Bride, The (1987)'],
      [2, 'The "Burbs"'],
    ]),
  };

  it('writes what readDataset and readTitles read back', () => {
    const dir = join(scratch, 'deep', 'tiny');
    writeDataset(dir, dataset);
    const { titles, ...rest } = dataset;
    expect(readDataset(dir)).toEqual(rest);
    expect(readTitles(join(dir, 'items.csv'))).toEqual(titles);
    expect(JSON.parse(readFileSync(join(dir, 'dataset_stats.json'), 'utf8'))).toEqual({
      num_users: 2,
      num_items: 9,
      num_interactions: 7,
    });
    expect(readdirSync(dirname(dir))).toEqual(['tiny']);
  });

  it('fills an empty folder, but leaves one with content, or a file, alone', () => {
    const dir = join(scratch, 'empty');
    mkdirSync(dir);
    writeDataset(dir, dataset);
    expect(readDataset(dir).train.count).toBe(2);
    expectInputError(() => writeDataset(dir, dataset), dir, 'not an empty folder');
    expectInputError(() => writeDataset(join(dir, 'items.csv'), dataset), 'items.csv', 'not an empty folder');
  });

  it('leaves nothing behind when it fails', () => {
    const parent = join(scratch, 'clean');
    const withEmpty = { ...dataset, train: Sequences.from([[1], []]) };
    expectInputError(() => writeDataset(join(parent, 'out'), withEmpty), 'sequence 2 of 2', 'is empty');
    expect(readdirSync(parent)).toEqual([]);
  });
});

describe('readTitles', () => {
  let file: string;
  beforeEach(() => {
    file = join(scratch, `items${folders++}.csv`);
  });
  const read = (text: string) => {
    writeFileSync(file, text);
    return readTitles(file);
  };

  it('finds the columns by the header and unquotes as RFC 4180 says', () => {
    const titles = read(
      '\uFEFFyear,Title, id \r\n1987,"Princess Bride, The",4\r\n\r\n1989,"The ""Burbs""\nUncut",7\r\n',
    );
    expect([...titles]).toEqual([
      [4, 'Princess Bride, The'],
      [7, 'The "Burbs"\nUncut'],
    ]);
  });

  it.each([
    ['no title column', 'id,name\n1,x\n', ['line 1', '"id,name"', 'column title']],
    ['an empty file', '', ['line 1', 'column id']],
    ['an id that is no number', 'id,title\n1,x\ntwo,y\n', ['line 3', '"two"', 'whole number']],
    ['an id twice', 'id,title\n5,x\n5,y\n', ['line 3', 'item 5', 'twice']],
    ['a line with a field too few', 'id,title\n1,x\n2\n', ['line 3', 'not CSV']],
    ['a quote that never closes', 'id,title\n1,"x\n', ['not CSV', 'quote']],
  ])('refuses %s', (_, text, parts) => {
    expectInputError(() => read(text), file, ...parts);
  });

  it('refuses a missing file', () => {
    expectInputError(() => readTitles(join(scratch, 'no.csv')), 'no.csv', 'ENOENT', 'columns id and title');
  });
});

describeMovieLens('MovieLens-1M', (folder) => {
  it('is read whole', () => {
    const dataset = readDataset(folder);
    expect(describeDataset(dataset)).toBe('ml1m: 6,040 users, 3,416 items, 999,611 interactions, 165.5 a user');
    expect(dataset.val.inputs.count).toBe(512);
    expect([...dataset.train.at(0).subarray(0, 3)]).toEqual([1, 2, 3]);
    expect(dataset.test.targets.at(-1)).toBe(154);
    expect(readTitles(join(folder, 'items.csv')).get(4)).toBe('Princess Bride, The (1987)');
  });
});
