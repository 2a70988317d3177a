import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadCheckpoint } from '../src/store/checkpoint.js';
import { gsas, startGsas } from './support/command.js';
import { expectMistake, objectsOf } from './support/output.js';
import { scratchFolder } from './support/scratch.js';
import { importShop, SHOP_FLAGS, shopLog } from './support/shop.js';

const at = scratchFolder();
const run = (...args: string[]) => gsas(at(), ...args);

/** What each user of the log did, oldest first. */
const did = new Map<string, string[]>();
for (const line of shopLog().trim().split('\n').slice(1)) {
  const [user, item] = line.split(',');
  did.set(user, [...(did.get(user) ?? []), item]);
}

beforeAll(async () => {
  await importShop(at(), 'data');
  const trained = await run(
    'train',
    '--data',
    'data',
    '--out',
    'runs/first',
    ...SHOP_FLAGS,
    '--max-epochs',
    '2',
    '--no-report',
  );
  expect(trained).toMatchObject({ status: 0, stderr: '' });
  renameSync(at('data'), at('moved'));
});

const recommend = async (...args: string[]) => {
  const { status, stdout, stderr } = await run('recommend', 'runs/first', ...args, '--json');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return objectsOf(stdout) as { user?: string; item: number; original_id: string; title: string; category?: string }[];
};
/** Whether two runs have the same best weights, to the bit. */
const same = (a: string, b: string) =>
  readFileSync(at(`${a}/best.safetensors`)).equals(readFileSync(at(`${b}/best.safetensors`)));
const idsOf = (rows: readonly { original_id: string }[]) => rows.map((row) => row.original_id);

describe('a run whose data has moved', () => {
  it('knows the ids, titles, categories and popularity of its items', async () => {
    const rows = await recommend('--history', 'sku-3; thing 4', '--top', '3');
    for (const { original_id, title, category } of rows) {
      const number = Number(original_id.slice('sku-'.length));
      expect({ title, category }).toEqual({ title: `Thing ${number}`, category: `group ${number % 3}` });
    }
    const counts = new Map(
      readFileSync(at('runs/first/items.csv'), 'utf8')
        .trim()
        .split('\n')
        .slice(1)
        .map((line) => [line.split('"')[1], Number(line.split(',')[1])]),
    );
    const least = 12;
    const popular = idsOf(await recommend('--history', 'sku-3', '--top', '30', '--min-popularity', String(least)));
    const expected = Array.from(counts.keys()).filter((id) => counts.get(id)! >= least && id !== 'sku-3');
    expect(popular.sort()).toEqual(expected.sort());
    expect(popular.length).toBeLessThan(29);
    expect(popular.length).toBeGreaterThan(0);
  });

  it('knows how old its items were at the end of the log', async () => {
    const first = new Map<string, number>();
    const rows = shopLog().trim().split('\n').slice(1);
    const times = rows.map((row) => Number(row.split(',')[2]));
    for (const [i, row] of rows.entries()) {
      const [, item] = row.split(',');
      first.set(item, Math.min(times[i], first.get(item) ?? Infinity));
    }
    const end = Math.max(...times);
    const old = [...first].filter(([id, time]) => end - time >= 12 * 86_400 && id !== 'sku-3').map(([id]) => id);
    expect(old.length).toBeGreaterThan(0);
    expect(old.length).toBeLessThan(29);
    const found = idsOf(await recommend('--history', 'sku-3', '--top', '30', '--min-age', '12'));
    expect(found.sort()).toEqual(old.sort());
  });

  it('is copied with all that it knows', async () => {
    expect(await run('convert', 'runs/first', 'copies/first')).toMatchObject({ status: 0 });
    const args = ['--history', 'sku-3; thing 4', '--min-popularity', '3', '--json'];
    const { status, stdout } = await run('recommend', 'copies/first', ...args);
    expect([status, stdout]).toEqual([0, (await run('recommend', 'runs/first', ...args)).stdout]);
    expect(readFileSync(at('copies/first/run.json'))).toEqual(readFileSync(at('runs/first/run.json')));
  });

  it('recommends nothing but what is listed, and so many of a category', async () => {
    writeFileSync(at('stock.txt'), 'sku-4\nthing 5\nsku-3\n');
    expect(idsOf(await recommend('--history', 'sku-3', '--only', '@stock.txt')).sort()).toEqual(['sku-4', 'sku-5']);
    const rows = await recommend('--history', 'sku-3', '--per-category', '2', '--top', '30');
    expect(rows.map(({ category }) => category).sort()).toEqual([0, 0, 1, 1, 2, 2].map((group) => `group ${group}`));
    expect(await run('recommend', 'runs/first', '--history', 'sku-3', '--only', 'nothing')).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/\nerror: --only: none of it is an item of this model; give ids or titles\n$/),
    });
  });

  it('lists similar items', async () => {
    const { status, stdout } = await run('similar', 'runs/first', 'sku-3', 'thing 4', '--top', '4', '--json');
    expect(status).toBe(0);
    const rows = objectsOf(stdout);
    expect(rows).toHaveLength(8);
    for (const { similar_to, item, score } of rows) {
      expect(item).not.toBe(similar_to);
      expect(Math.abs(score)).toBeLessThanOrEqual(1.000001);
    }
    const { stdout: table } = await run('similar', 'runs/first', 'sku-3', '--top', '2');
    expect(table).toMatch(/^like sku-3 "Thing 3":\n\nrank /);
    expect((await run('similar', 'runs/first', 'nothing like it')).status).toBe(2);
  });
});

describe('recommendations for users of the data', () => {
  it('come after all that a user did, last items included', async () => {
    const rows = await recommend('--data', 'moved', '--user', 'u7', 'u8', '--top', '5');
    expect(rows.map(({ user }) => user)).toEqual([...Array(5).fill('u7'), ...Array(5).fill('u8')]);
    for (const user of ['u7', 'u8']) {
      const expected = await recommend('--history', did.get(user)!.join(' '), '--top', '5');
      expect(idsOf(rows.filter((row) => row.user === user))).toEqual(idsOf(expected));
    }
  });

  it('are written for all of them', async () => {
    const { status, stdout } = await run(
      ...['recommend', 'runs/first', '--data', 'moved', '--all-users', '--out', 'all.jsonl', '--top', '3'],
    );
    expect({ status, stdout }).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^all\.jsonl: 120 rec.* 40 users/),
    });
    const rows = objectsOf(readFileSync(at('all.jsonl'), 'utf8'));
    const one = rows.filter(({ user }) => user === 'u9');
    expect(idsOf(one)).toEqual(idsOf(await recommend('--history', did.get('u9')!.join(' '), '--top', '3')));
    for (const { user, original_id } of rows) expect(did.get(user)).not.toContain(original_id);
  });

  it('follow items by their ids into a newer log, which numbers them anew', async () => {
    const newer = `user,item,timestamp\n${[
      ...['sku-29', 'brand-new', 'sku-3', 'sku-8'].map((item, t) => `late,${item},${1_800_000_000 + t}`),
      ...['brand-new', 'other-new', 'brand-new', 'other-new', 'brand-new'].map(
        (item, t) => `strange,${item},${1_800_000_000 + t}`,
      ),
    ].join('\n')}\n`;
    writeFileSync(at('newer.csv'), newer);
    expect(await run('data', 'import', 'newer.csv', '--out', 'newer', '--val-users', '1')).toMatchObject({
      status: 0,
    });
    const rows = await recommend('--data', 'newer', '--user', 'late', '--top', '4');
    expect(idsOf(rows)).toEqual(idsOf(await recommend('--history', 'sku-29 sku-3 sku-8', '--top', '4')));
    const { status, stderr } = await run(
      ...['recommend', 'runs/first', '--data', 'newer', '--all-users', '--out', 'newer-recs.csv'],
    );
    expect({ status, stderr }).toEqual({
      status: 0,
      stderr: '1 of 2 users have no item that the model knows and are left out\n',
    });
  });

  it.each<[string, string[], RegExp]>([
    [
      'an unknown user',
      ['--data', 'moved', '--user', 'u99'],
      /"u99" is no user of the data, which has 40, such as u0, u1, u2/,
    ],
    ['users of no data', ['--user', 'u1'], /there is no folder .*data/],
    ['two ways at once', ['--user', 'u1', '--history', 'sku-1'], /say for whom/],
    ['all users on the screen', ['--all-users'], /--all-users and --out go together/],
  ])('refuse %s', async (_, args, message) => {
    expectMistake(await run('recommend', 'runs/first', ...args), message);
  });
});

describe('train --final', () => {
  let printed: string;
  beforeAll(async () => {
    const { status, stdout, stderr } = await run(
      ...['train', '--data', 'moved', '--out', 'runs/final', '--final', ...SHOP_FLAGS, '--max-epochs', '4'],
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    printed = stdout;
  });

  it('chooses the epochs on the validation split, trains as long on everything, and says which numbers are whose', async () => {
    const chosen = loadCheckpoint(at('runs/final/selection'));
    const used = loadCheckpoint(at('runs/final'));
    expect(used.epoch).toBe(chosen.epoch);
    expect({ ...used.config, max_epochs: 4, max_minutes: 30 }).toEqual(chosen.config);
    const [first, , ...rest] = printed.split('\n');
    expect(first).toBe('1 of 2: choosing the number of epochs on the validation split, in runs/final/selection');
    const epochs = chosen.epoch === 1 ? '1 epoch' : `${chosen.epoch} epochs`;
    expect(rest).toContain(`2 of 2: training on everything, held-out items included, for ${epochs}, in runs/final`);
    expect(printed).toContain(
      `for use: runs/final/best.safetensors, trained on everything for ${epochs}; it has no numbers`,
    );
    expect(printed).toMatch(/to judge it by: runs\/final\/selection.* validation ndcg@10 0\.\d+/);
    const everything = JSON.parse(readFileSync(at('runs/final/run.json'), 'utf8')).dataset;
    expect(everything.interactions).toBe([...did.values()].flat().length);
    // Training sees the items that were held out: their occurrences are all of the log's.
    const counted = readFileSync(at('runs/final/items.csv'), 'utf8').trim().split('\n').slice(1);
    const total = counted.reduce((sum, line) => sum + Number(line.split(',')[1]), 0);
    expect(total).toBe(everything.interactions);
    expect(readFileSync(at('runs/final/report.html'), 'utf8')).not.toContain('<h2>Results');
  });

  it('is not evaluated on what it has seen', async () => {
    expectMistake(
      await run('evaluate', 'runs/final'),
      /runs\/final was trained on everything/,
      /evaluate runs\/final\/selection,/,
    );
    expect((await run('evaluate', 'runs/final/selection', '--cutoffs', '1')).status).toBe(0);
    expect((await run('convert', 'runs/final', 'copies/final', '--data', 'moved')).status).toBe(0);
    expectMistake(await run('evaluate', 'copies/final'), /copies\/final was trained on everything/);
    const { stdout } = await run('runs', 'runs', '--json');
    const listed = objectsOf(stdout).map(({ run: folder, best }) => [folder, best === null]);
    expect(listed).toContainEqual(['runs/final', true]);
    expect(listed).toContainEqual(['runs/final/selection', false]);
  });

  it('goes on in the part in which it was killed, to the same bits', async () => {
    const args = ['train', '--data', 'moved', '--final', ...SHOP_FLAGS, '--max-epochs', '4', '--no-report'];
    for (const [name, moment] of [
      ['early', /^epoch 2 /m], // the checkpoint of epoch 1 is there
      ['late', /^2 of 2.*\n(?:.*\n)*?epoch 1 /m],
    ] as const) {
      const killed = startGsas(at(), ...args, '--out', `runs/${name}`);
      await killed.printed(moment);
      killed.signal('SIGKILL');
      await killed.ended;
      const { status, stdout } = await run('train', '--resume', '--out', `runs/${name}`, '--no-report');
      expect({ status, stdout }).toMatchObject({ status: 0, stdout: expect.stringContaining('for use: ') });
      expect(same(`runs/${name}`, 'runs/final')).toBe(true);
    }
  });

  it('needs somebody to validate on, and a folder without a run', async () => {
    expectMistake(await run('train', '--data', 'moved', '--out', 'runs/final', '--final'), /a run is there already/);
  });
});

describe('a run that starts from another', () => {
  it('takes its options and its data, and says how many items carry over', async () => {
    const args = ['--max-steps', '1', '--no-report', '--data', 'newer', '--negs-per-pos', '3'];
    const { status, stdout } = await run('train', '--init-from', 'runs/first', '--out', 'runs/next', ...args);
    expect({ status, stdout }).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(
        /^starts from the weights of step \d+: 3 of their 30 items carry over, 27 are gone, 2 are new; options that are not given are theirs$/m,
      ),
    });
    const [old, next] = ['runs/first', 'runs/next'].map((folder) => loadCheckpoint(at(folder)).config);
    expect(next).toEqual({
      ...old,
      num_items: 5,
      negs_per_pos: 3,
      max_steps: 1,
      max_epochs: 10000,
      max_minutes: null,
      early_stopping_patience: 200,
    });
    renameSync(at('moved'), at('data'));
    const same = await run(
      'train',
      '--init-from',
      'runs/first',
      '--out',
      'runs/same',
      '--max-steps',
      '1',
      '--no-report',
    );
    expect(same.stdout).toContain('30 of their 30 items carry over, 0 are gone, 0 are new');
  });

  it('by its configuration is trained on its data, unless told otherwise', async () => {
    const { status, stdout } = await run(
      ...['train', '--config', 'runs/first/config.json', '--out', 'runs/again', '--no-report'],
    );
    expect({ status, stdout }).toMatchObject({ status: 0, stdout: expect.stringMatching(/^data: 40 users, 30 items/) });
    expect(same('runs/again', 'runs/first')).toBe(true);
  });
});
