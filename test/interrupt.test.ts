import { execFile } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { describeUntested } from './support/untested.js';

const MODULE = new URL('../dist/cli/interrupt.js', import.meta.url).href;

/** Ends a process by `closeAfter` whose device is idle after so many milliseconds. @returns what it printed, its exit code, and the signal that ended it */
function ended(idleAfter: number) {
  const script = `
    const { closeAfter } = await import(${JSON.stringify(MODULE)});
    const idle = () => new Promise((resolve) => setTimeout(resolve, ${idleAfter}));
    await closeAfter('SIGTERM', { idle, close: () => console.log('closed') });`;
  return new Promise((resolve) => {
    execFile(process.execPath, ['--input-type=module', '-e', script], (error, stdout) =>
      resolve([stdout, error ? error.code : 0, error?.signal ?? null]),
    );
  });
}

describe('after a signal', () => {
  it('a device that is idle soon is closed, and the process ends as asked', async () => {
    expect(await ended(100)).toEqual(['closed\n', 0, null]);
  });

  const LATE = 'a process whose driver compiles for minutes ends by the signal';
  if (process.platform === 'win32') describeUntested(LATE, 'Windows has no signals');
  else it(LATE, async () => expect(await ended(60_000)).toEqual(['', null, 'SIGTERM']));
});
