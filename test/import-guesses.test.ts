import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { gsas } from './support/command.js';
import { expectMistake } from './support/output.js';
import { scratchFolder } from './support/scratch.js';

const at = scratchFolder('each test');

function write(name: string, content: string): string {
  writeFileSync(at(name), content);
  return name;
}

const run = (...args: string[]) => gsas(at(), 'data', 'import', ...args);

/** Imports to `out`, expects success, and returns what was printed. */
async function imported(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await run(...args, '--out', 'out');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

const text = (name: string) => readFileSync(at('out', name), 'utf8');

/** Ten users with ten interactions each, out of order: sorted by time, a user's items go up from 1 to 10. */
const SHUFFLED = Array.from({ length: 100 }, (_, i) => {
  const at = (i * 37) % 100;
  const item = Math.floor(at / 10) + 1;
  return { user: `u${at % 10}`, item: `i${item}`, time: 1_500_000_000 + 100_000 * at };
});

const shuffled = (header: string, time: (seconds: number) => string | number) =>
  `${header}\n${SHUFFLED.map((row) => `${row.user},${row.item},${time(row.time)}\n`).join('')}`;

/** Whether each user's last item by time is the target of the test. */
function expectInTime(): void {
  const [, ...items] = text('items.csv').trimEnd().split('\n');
  const number = items.findIndex((line) => line.split(',')[1] === 'i10') + 1;
  expect(text('test/output.txt')).toBe(`${number}\n`.repeat(10));
}

describe('a time column under a name of its own', () => {
  it.each([
    ['event_timestamp', (t: number) => t],
    ['unix_timestamp', (t: number) => t],
    ['TIMESTAMP_MS', (t: number) => 1000 * t],
    ['purchased_at', (t: number) => new Date(1000 * t).toISOString()],
    ['played_at', (t: number) => new Date(1000 * t).toISOString().replace('T', ' ').slice(0, 19)],
    ['TRANSACTION_DT', (t: number) => t],
    ['eventDateTime', (t: number) => t],
    ['listened_on', (t: number) => `${t}.0`],
    ['checkinUtc', (t: number) => `${1_000_000 * t}`],
  ])('%s is taken, and the report says so', async (name, time) => {
    write('log.csv', shuffled(`user,item,${name}`, time));
    const stdout = await imported('log.csv');
    expect(stdout).toContain(`log.csv: user = user, item = item, time = ${name}\nnote: log.csv: ${name} (`);
    expect(stdout).toContain('is taken for the time; --time-col or --no-time says otherwise');
    expectInTime();
  });

  it.each<[string, string, (t: number) => string | number]>([
    ['a name that says nothing', 'x', (t) => t],
    ['a day as a number', 'x', (t) => new Date(1000 * t).toISOString().slice(0, 10).replaceAll('-', '')],
    ['the date of something else', 'release_date', (t) => new Date(1000 * t).toISOString().slice(0, 10)],
    ['numbers that might be durations', 'session_time', (t) => t % 977],
    ['a counter that disagrees with the lines', 'event_id', (t) => (t - 1_500_000_000) / 100_000],
    ['the index of a shuffled table', '', (t) => (t - 1_500_000_000) / 100_000],
  ])('%s stops the import until the user says which', async (_, name, time) => {
    write('log.csv', shuffled(`user,item,${name}`, time));
    const way = `--time-col ${name || 3}`;
    expectMistake(
      await run('log.csv', '--out', 'out'),
      'log.csv: no column is known to hold the time',
      way,
      '--no-time',
    );
    expect(await imported('log.csv', '--no-time')).toContain('no time: the order of the lines counts\n');
    await imported('log.csv', ...way.split(' '), '--force');
    if (name !== 'session_time' && name !== 'release_date') expectInTime();
  });

  it('stops for dates in another form, and names the format', async () => {
    const day = (t: number) => {
      const [year, month, date] = new Date(1000 * t).toISOString().slice(0, 10).split('-');
      return `${month}/${date}/${year} ${new Date(1000 * t).toISOString().slice(11, 16)}`;
    };
    write('log.csv', shuffled('user,item,bought', day));
    const flags = '--time-col bought --time-format "%m/%d/%Y %H:%M"';
    expectMistake(await run('log.csv', '--out', 'out'), flags);
    await imported('log.csv', '--time-col', 'bought', '--time-format', '%m/%d/%Y %H:%M');
    expectInTime();
    write('ordered.csv', shuffled('user,item,ordered_at', day));
    await imported('ordered.csv', '--time-format', '%m/%d/%Y %H:%M', '--force');
    expectInTime();
    write('known.csv', shuffled('user,item,InvoiceDate', day));
    expectMistake(await run('known.csv', '--out', 'new'), 'known.csv, line 2', 'say --time-format "%m/%d/%Y %H:%M"');
  });

  it('stops where two may be it', async () => {
    write(
      'log.csv',
      shuffled('user,item,start_time,end_time', (t) => `${t},${t + 60}`),
    );
    expectMistake(await run('log.csv', '--out', 'out'), 'start_time', 'end_time', '--time-col start_time');
  });

  it('stops where the newest comes first', async () => {
    const rows = Array.from({ length: 30 }, (_, i) => `u${i % 3},i${i % 7},${30 - i}\n`);
    write('log.csv', `user,item,visits\n${rows.join('')}`);
    expectMistake(await run('log.csv', '--out', 'out'), 'visits', 'falls from line to line', '--no-time');
  });

  it('leaves a log without any as it is, and says that the lines count', async () => {
    const rows = Array.from({ length: 30 }, (_, i) => `u${i % 3},i${i % 7},${(i * 11) % 31},red\n`);
    write('log.csv', `user,item,price2,colour\n${rows.join('')}`);
    expect(await imported('log.csv')).toContain('log.csv: user = user, item = item, no time: the order of the lines');
  });

  it('counts the zone that a time names', async () => {
    const times = ['2020-01-01T10:00:00+02:00', '2020-01-01T08:45:00Z', '2020-01-01T10:00:00+01:30'];
    write('log.csv', `user,item,time\n${times.map((time, i) => `u,i${i},${time}\n`).join('')}`);
    await imported('log.csv');
    expect(text('test/input.txt') + text('test/output.txt')).toBe('1 3\n2\n');
  });

  it('mentions times that are far from the others', async () => {
    write(
      'log.csv',
      shuffled('user,item,time', (t) => (t === 1_500_000_000 ? 0 : t)),
    );
    expect(await imported('log.csv')).toContain('note: log.csv: times before 1990 or after 2100: 1, such as 0;');
    write(
      'days.csv',
      shuffled('user,item,time', (t) => (t === 1_500_000_000 ? '1970-01-01' : new Date(1000 * t).toISOString())),
    );
    expect(await imported('days.csv', '--force')).toContain('such as 1970-01-01T00:00;');
    // A year that JavaScript cannot represent.
    write('late.csv', readFileSync(at('days.csv'), 'utf8').replace('1970-01-01', '290000-01-01'));
    expect(await imported('late.csv', '--force')).toMatch(/such as 9\d{12} seconds since 1970;/);
  });

  it('refuses files that count in different units', async () => {
    write(
      'a.csv',
      shuffled('user,item,time', (t) => t),
    );
    write(
      'b.csv',
      shuffled('user,item,time', (t) => 1000 * t),
    );
    const outcome = await run('a.csv', 'b.csv', '--out', 'out');
    expectMistake(outcome, 'b.csv counts time in milliseconds, but a.csv in seconds');
  });
});

describe('a log without a header whose columns are not where they are assumed', () => {
  const YOOCHOOSE = [
    '1,2014-04-07T10:51:09.277Z,214536502,0',
    '1,2014-04-07T10:54:09.868Z,214536500,0',
    '1,2014-04-07T10:57:00.306Z,214536506,0',
  ];
  const GOWALLA = [
    '0\t2010-10-19T23:55:27Z\t30.2359091167\t-97.7951395833\t22847',
    '0\t2010-10-18T22:17:43Z\t30.2691029532\t-97.7493953705\t420315',
    '0\t2010-10-17T23:42:03Z\t30.2557309927\t-97.7633857727\t316637',
  ];
  const STEAM = [
    '151603712,"The Elder Scrolls V Skyrim",purchase,1.0,0',
    '151603712,"Fallout 4",play,87.0,0',
    '151603712,"Spore",purchase,1.0,0',
  ];

  it.each([
    ["Yoochoose's", YOOCHOOSE, 'user "1", item "2014-04-07T10:51:09.277Z"', '--user-col 1 --item-col 3 --time-col 2'],
    ["Gowalla's", GOWALLA, 'user "0", item "2010-10-19T23:55:27Z"', '--user-col 1 --item-col 5 --time-col 2'],
    ["Steam's", STEAM, 'rating "purchase", time "1.0"', '--user-col 1 --item-col 2 --no-time'],
    ['ratings without times', ['u,a,5', 'u,b,4', 'u,c,5'], 'item "a", time "5"', '--user-col 1 --item-col 2 --no-time'],
  ])('%s is refused with the first rows and the flags, which then work', async (_, lines, row, flags) => {
    write('log.txt', `${lines.join('\n')}\n`);
    const outcome = await run('log.txt', '--out', 'out');
    expectMistake(outcome, 'log.txt has no header', row, `such as ${flags}`, '--preview');
    expect(outcome.stderr.match(/; user "/g)).toHaveLength(2);
    await imported('log.txt', ...flags.split(' '));
  });

  it('takes the one column of times where flags name the others', async () => {
    write('log.txt', `${GOWALLA.join('\n')}\n`);
    expect(await imported('log.txt', '--user-col', '1', '--item-col', '5')).toContain('time = column 2\nnote: ');
    expect(text('items.csv')).toContain('\n1,22847,22847,0\n');
    expect(text('test/output.txt')).toBe('1\n');
  });
});

describe('--preview', () => {
  it('shows the first rows as they would be read, and writes nothing', async () => {
    write(
      'log.csv',
      shuffled('user,item,event_timestamp', (t) => t),
    );
    const { status, stdout, stderr } = await run('log.csv', '--preview');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const [about, head, ...rows] = stdout.split('\n');
    expect(about).toBe('log.csv: text separated by commas, with a header, UTF-8');
    expect(head).toMatch(/^column +taken for +row 1 +row 2 +row 3$/);
    expect(rows.slice(0, 3).map((row) => row.split(/ +/))).toEqual([
      ['user', 'user', 'u0', 'u7', 'u4'],
      ['item', 'item', 'i1', 'i4', 'i8'],
      ['event_timestamp', 'time', '1500000000', '1503700000', '1507400000'],
    ]);
    expect(stdout).toContain('note: log.csv: event_timestamp ("1500000000") is taken for the time');
    expect(stdout).toContain('--user-col, --item-col, --time-col or --no-time');
    const json = await run('log.csv', '--preview', '--json');
    expect(JSON.parse(json.stdout)[0].columns[2]).toMatchObject({ name: 'event_timestamp', role: 'time' });
  });

  it('shows the columns of what cannot be imported, and then why', async () => {
    write('log.csv', '1,2014-04-07T10:51:09.277Z,214536502\n1,2014-04-07T10:54:09.868Z,214536500\n');
    const { status, stdout, stderr } = await run('log.csv', '--preview');
    expect(status).toBe(2);
    expect(stdout).toMatch(/^column 2 +2014-04-07T10:51:09.277Z/m);
    expect(stderr).toMatch(/^error: log.csv has no header.*--time-col 2.*\n$/);
  });
});
