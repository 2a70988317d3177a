import { mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { beforeAll, expect, it } from 'vitest';
import { gsas, startGsas } from './support/command.js';
import { expectMistake } from './support/output.js';
import { scratchFolder } from './support/scratch.js';

const at = scratchFolder();
const run = (...args: string[]) => gsas(at(), 'data', ...args);

beforeAll(() => {
  writeFileSync(
    at('log.csv'),
    'user,item,stars,day\nu,a,5,2020-01-01\nu,b,4,2020-01-02\nu,a,3,2020-01-03\nu,c,1,2020-01-04\n',
  );
  writeFileSync(at('items.csv'), 'code,title\na,Anna\nb,Bert\n');
});

it('imports a log and says what it took, left out and found', async () => {
  const flags = [
    '--out',
    'set',
    '--time-col',
    'day',
    '--min-rating',
    '2',
    '--rating-col',
    'stars',
    '--items',
    'items.csv',
  ];
  const { status, stdout, stderr } = await run('import', 'log.csv', ...flags);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout.split('\n')).toEqual([
    'log.csv: user = user, item = item, time = day, rating = stars',
    '4 interactions read; left out: 1 rated too low',
    'split leave-one-out',
    'items not in training: 1, the target of 1 validation and 0 test lines',
    '1 users, 2 items, 3 interactions, density 150 %',
    '       lines  interactions  mean  min  10 %  median  90 %  max  repeats  seen targets',
    'train      1             1     1    1     1       1     1    1    0.0 %',
    'val        1             2     2    2     2       2     2    2    0.0 %         0.0 %',
    'test       1             3     3    3     3       3     3    3   33.3 %       100.0 %',
    'Leaving out seen items hides 100.0 % of the test targets: train with --filter-rated false.',
    '',
  ]);
  expect(readFileSync(at('set/items.csv'), 'utf8')).toBe('id,original_id,title,age_days\n1,a,Anna,2\n2,b,Bert,1\n');
  const counted = await run('stats', 'set');
  expect(stdout).toContain(counted.stdout);
  expect(JSON.parse((await run('stats', 'set', '--json')).stdout)).toMatchObject({
    users: 1,
    test: { seenTargets: 1 },
  });
});

it('writes a density above one in digits, and tells ties in time', async () => {
  writeFileSync(at('often.csv'), `user,item,time\n${'u,a,7\nu,b,7\nu,b,8\n'.repeat(20)}`);
  const { stdout } = await run('import', 'often.csv', '--out', 'often');
  expect(stdout).toContain('1 users, 2 items, 60 interactions, density 3,000 %\n');
  const ties = '100.0 % of the interactions, and 100.0 % of the test targets, are at the very time of another';
  expect(stdout).toContain(ties);
  expect((await run('stats', 'often')).stdout).toContain(ties);
});

it('takes a ready-made split, and refuses what would change it', async () => {
  writeFileSync(at('train.txt'), 'u a\nu b\nv b\n');
  writeFileSync(at('val.txt'), 'u c\n');
  writeFileSync(at('test.txt'), 'u a\nv c\n');
  const parts = ['--split', 'given', '--train', 'train.txt', '--val', 'val.txt', '--test', 'test.txt'];
  const { status, stdout, stderr } = await run('import', ...parts, '--out', 'given');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toContain('split as given\n');
  expect(readFileSync(at('given/test/input.txt'), 'utf8')).toBe('1 2 3\n2\n');
  expect(readFileSync(at('given/test/output.txt'), 'utf8')).toBe('1\n3\n');
  expectMistake(
    await run('import', ...parts, '--out', 'bad', '--duplicates', 'keep'),
    '--duplicates would change a ready-made split',
  );
});

it.each([
  [['import', 'log.csv', '--out', 'bad', '--user-col', 'who'], 'log.csv, line 1: --user-col who'],
  [['import', '*.tsv', '--out', 'bad'], 'no file matches *.tsv'],
  [['import', '--out', 'bad'], 'name the files'],
  [['import', '--preview'], 'name the files'],
  [['import', 'log.csv'], '--out'],
  [['import', 'log.csv', '--out', 'bad', '--k-core', '0'], 'whole number'],
  [['import', 'log.csv', '--out', 'bad', '--duplicates', 'some'], 'keep, first, last'],
  [['stats', 'nowhere'], 'no folder nowhere'],
  [['download', 'ml-2m', '--out', 'bad'], 'there are ml-1m'],
  [['download', 'ml-1m', '--out', 'bad', '--from', 'log.csv'], 'log.csv is not the file expected'],
  [['download', 'ml-1m', '--out', 'bad', '--url', 'ftp://x'], 'http'],
])('refuses %j in one line', async (args, message) => {
  const { status, stderr } = await run(...args);
  expect(stderr).toContain(message);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  expect(status).not.toBe(0);
  expect(readdirSync(at())).not.toContain('bad');
});

it('replaces by force what an import wrote, and nothing else', async () => {
  mkdirSync(at('shop'));
  await run('import', 'log.csv', '--out', 'shop');
  mkdirSync(at('shop/runs/best'), { recursive: true });
  const foreign = ['notes.txt', 'runs/best/best.safetensors', 'train/mine.txt'];
  for (const name of foreign) writeFileSync(at('shop', name), name);
  // Left behind by an import that was killed long ago. No process has this id, which is above Linux's largest.
  mkdirSync(at('.shop.4194305.tmp/work'), { recursive: true });
  utimesSync(at('.shop.4194305.tmp'), 0, 0);
  writeFileSync(at('other.csv'), 'user,item\nu,1\nu,2\nu,3\nu,4\n');
  const { status, stdout } = await run('import', 'other.csv', '--out', 'shop', '--force');
  expect({ status, stdout }).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('kept in the folder, since no import wrote it: notes.txt, runs/, train/mine.txt\n'),
  });
  for (const name of foreign) expect(readFileSync(at('shop', name), 'utf8')).toBe(name);
  expect(readFileSync(at('shop/test/input.txt'), 'utf8')).toBe('1 2 3\n');
  expect(JSON.parse(readFileSync(at('shop/import.json'), 'utf8')).stats.items).toBe(4);
  expect((await run('stats', 'shop', '--json')).status).toBe(0);
  expect(readdirSync(at()).filter((name) => name.startsWith('.'))).toEqual([]);

  // A folder that no import made: the official layout, or one in which something else has the name of one of our files.
  rmSync(at('shop/import.json'));
  const args = ['import', 'log.csv', '--out', 'shop', '--force'];
  expectMistake(await run(...args), 'shop is not empty and holds no import.json', 'no dataset to replace');
  writeFileSync(at('shop/import.json'), '{}');
  rmSync(at('shop/items.csv'));
  mkdirSync(at('shop/items.csv'));
  expectMistake(await run(...args), 'shop/items.csv is not what an import writes there');
  expect(readFileSync(at('shop/test/input.txt'), 'utf8')).toBe('1 2 3\n');
});

it('says what to do where there is no network', async () => {
  const args = ['download', 'ml-1m', '--out', 'bad', '--url', 'http://127.0.0.1:1/x', '--cache', 'cache'];
  const { status, stderr } = await run(...args);
  expect(status).toBe(1);
  expect(stderr).toMatch(/^error: cannot fetch http:\/\/127.0.0.1:1\/x \(ECONNREFUSED\).*HTTPS_PROXY.*--from FILE\n$/);
});

it('leaves nothing behind on Ctrl-C', async () => {
  const rows = Array.from({ length: 1_500_000 }, (_, i) => `u${i % 9973},i${(i * 7) % 3001}`);
  writeFileSync(at('large.csv'), `user,item\n${rows.join('\n')}\n`);
  const importing = startGsas(at(), 'data', 'import', 'large.csv', '--out', 'stopped');
  const temporary = () => readdirSync(at()).filter((name) => name.startsWith('.stopped'));
  while (temporary().length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  importing.signal('SIGINT');
  importing.signal('SIGINT'); // as npx repeats it
  const { status, stderr } = await importing.ended;
  expect({ status, stderr }).toEqual({ status: 130, stderr: 'stopped; nothing is left behind\n' });
  expect([...temporary(), ...readdirSync(at()).filter((name) => name === 'stopped')]).toEqual([]);
});
