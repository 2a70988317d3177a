import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { beforeEach, describe, expect, it } from 'vitest';
import { GsasError, InputError } from '../src/base/errors.js';
import { writeDataset } from '../src/store/layout.js';
import { RunFolder } from '../src/store/run-folder.js';
import { RunLock, refuseHeld } from '../src/store/run-lock.js';
import { train } from '../src/train/train.js';
import { gsas, startGsas } from './support/command.js';
import { gpu } from './support/device.js';
import { expectMistake } from './support/output.js';
import { scratchFolder } from './support/scratch.js';
import { dataset, flagsOf, TRAINING } from './support/small.js';

const at = scratchFolder('each test');
const file = () => at('run/run.lock');
beforeEach(() => {
  mkdirSync(at('run'));
});

/** Writes the lock of this process, but for what is given. */
function writeLock(holder: object): void {
  const lock = RunLock.take(at('run'));
  const text = readFileSync(file(), 'utf8');
  lock.release();
  writeFileSync(file(), JSON.stringify({ ...JSON.parse(text), ...holder }));
}

describe('a lock', () => {
  it('is held by one, and by the next when it is released', () => {
    const lock = RunLock.take(at('run'));
    expect(JSON.parse(readFileSync(file(), 'utf8'))).toMatchObject({ pid: process.pid, host: hostname() });
    expect(() => RunLock.take(at('run'))).toThrow(InputError);
    expect(() => refuseHeld(at('run'))).toThrow(
      new RegExp(`^${at('run')}: is in use by process ${process.pid}, this one, since .*; wait until it ends$`),
    );
    lock.check();
    lock.release();
    expect(existsSync(file())).toBe(false);
    refuseHeld(at('run'));
    RunLock.take(at('run')).release();
  });

  it('names the process of another that lives', () => {
    writeLock({ pid: process.ppid, start: null });
    expect(() => RunLock.take(at('run'))).toThrow(`is in use by process ${process.ppid} since`);
  });

  it.each<[string, () => object]>([
    ['is gone', () => ({ pid: goneProcess() })],
    ['is gone, while another has its id', () => ({ start: 'another boot 12' })],
    ['is elsewhere and long silent', () => ({ host: 'elsewhere' })],
  ])('is taken over when its process %s', (_, holder) => {
    writeLock(holder());
    if ('host' in holder()) utimesSync(file(), new Date(0), new Date(0));
    const lock = RunLock.take(at('run'));
    expect(JSON.parse(readFileSync(file(), 'utf8'))).toMatchObject({ pid: process.pid, host: hostname() });
    lock.check();
    lock.release();
  });

  it('that was cut off by a kill is taken over, but not at once: somebody may be writing it', () => {
    writeFileSync(file(), '{"pid":');
    const since = performance.now();
    RunLock.take(at('run')).release();
    expect(performance.now() - since).toBeGreaterThan(3000);
  });

  it('of a process elsewhere that was heard of lately is left alone, and the way out is named', () => {
    writeLock({ host: 'elsewhere' });
    expect(() => RunLock.take(at('run'))).toThrow(
      /is in use by process \d+ on elsewhere since .*; wait until it ends, or remove .*run\.lock if it is gone/,
    );
  });

  it('that is lost is noticed before the next write, and the loser leaves it to its owner', () => {
    const lock = RunLock.take(at('run'));
    writeFileSync(file(), JSON.stringify({ pid: 77, host: 'elsewhere' }));
    expect(() => lock.check()).toThrow(GsasError);
    expect(() => lock.check()).toThrow('process 77 on elsewhere has taken it over; nothing more is written');
    lock.release();
    expect(existsSync(file())).toBe(true);
    rmSync(at('run'), { recursive: true });
    expect(() => lock.check()).toThrow('the folder of the run was removed while it went on');
  });

  it('goes with the process that leaves by process.exit', () => {
    const script = `
      import { RunLock } from '${new URL('../dist/store/run-lock.js', import.meta.url)}';
      RunLock.take(process.argv[1]);
      process.exit(3);`;
    const run = () => execFileSync(process.execPath, ['--input-type=module', '-e', script, at('run')]);
    expect(run).toThrow(expect.objectContaining({ status: 3 }));
    expect(existsSync(file())).toBe(false);
  });
});

describe('a run that is trained', () => {
  it('is held from the start to the end, also when it fails', async () => {
    const seen: boolean[] = [];
    const request = { gpu, dataset, store: new RunFolder(at('run')), options: { ...TRAINING, max_steps: 2 } };
    const onStep = () => seen.push(existsSync(file()));
    await train({ ...request, onStep });
    expect(seen).toEqual([true, true]);
    expect(existsSync(file())).toBe(false);
    const failing = () => {
      throw new Error('no');
    };
    await expect(train({ ...request, resume: true, options: { max_steps: 4 }, onStep: failing })).rejects.toThrow('no');
    expect(existsSync(file())).toBe(false);
  });

  it('is refused to other commands, which name its process, and goes on untouched', async () => {
    writeDataset(at('data'), dataset);
    const args = ['train', '--data', 'data', ...flagsOf(TRAINING), '--no-report', '--max-epochs', '400'];
    const first = startGsas(at(), ...args, '--out', 'run');
    await first.printed(/^epoch 2 /m);
    const { pid } = JSON.parse(readFileSync(file(), 'utf8'));
    const inUse = `run: is in use by process ${pid} since`;
    expectMistake(await gsas(at(), ...args, '--out', 'run'), inUse);
    expectMistake(await gsas(at(), 'train', '--resume', '--out', 'run'), inUse);
    expectMistake(await gsas(at(), 'convert', 'run', 'run/'), inUse.replace('run:', 'run/:'));
    expectMistake(await gsas(at(), 'convert', 'run/last.safetensors', 'run'), inUse);
    first.signal('SIGKILL');
    expect((await first.ended).status).toBe(null);
    expect(existsSync(file())).toBe(true);
    const second = await gsas(at(), 'train', '--resume', '--out', 'run', '--no-report', '--max-epochs', '3');
    expect(second).toMatchObject({ status: 0, stderr: '' });
    expect(existsSync(file())).toBe(false);
  });
});

/** The id of a process that has ended. */
function goneProcess(): number {
  return Number(execFileSync(process.execPath, ['-p', 'process.pid'], { encoding: 'utf8' }));
}
