import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Environment } from '../src/store/environment.js';
import { crc32c } from '../src/store/events.js';
import { readJournal } from '../src/store/journal.js';
import { RunLog } from '../src/store/runlog.js';
import { beginSession, endSession, readSessions } from '../src/store/sessions.js';
import { readEvents } from './support/events.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gsas-files-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const validation = (step: number, seconds: number) => ({
  ...{ step, epoch: step / 100, loss: 0.5, 'ndcg@10': 0.125, lr: 1e-3, positions_per_second: 1000, seconds },
});
const eventFiles = () => readdirSync(folder).filter((name) => name.includes('tfevents'));
const events = () => readEvents(readFileSync(join(folder, eventFiles()[0])));

it('computes CRC-32C, by the check value of its catalogue entry', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
});

describe('RunLog', () => {
  it('puts steps together into lines of two seconds, and counts no time between them', () => {
    const log = new RunLog(folder, 0);
    log.step(1, 1, 100, 1);
    log.step(2, 3, 300, 2);
    log.step(3, 5, 600, 3);
    log.flush(3, 3);
    log.resume(13);
    log.step(4, 7, 100, 13.25);
    log.flush(4, 13.25); // too short for a rate
    expect(readJournal(join(folder, 'steps.jsonl'))).toEqual([
      { step: 2, loss: 2, positions_per_second: 200, seconds: 2 },
      { step: 3, loss: 5, positions_per_second: 600, seconds: 3 },
    ]);
  });

  it('writes for TensorBoard what it writes as JSON, at the time of training', () => {
    const log = new RunLog(folder, 0);
    log.step(40, 0.75, 500, 2.5);
    log.validation(validation(100, 4));
    const [version, step, measured] = events();
    expect(version!.version).toBe('brain.Event:2');
    expect(step).toMatchObject({ step: 40, values: { 'train/loss': 0.75, 'train/positions_per_second': 200 } });
    expect(measured!.step).toBe(100);
    expect(measured!.values).toEqual({
      ...{ 'train/epoch': 1, 'train/epoch_loss': 0.5, 'train/lr': Math.fround(1e-3), 'val/ndcg@10': 0.125 },
    });
    expect(measured!.wallTime - step!.wallTime).toBeCloseTo(1.5, 5);
    expect(Math.abs(step!.wallTime - 2.5 - Date.now() / 1000)).toBeLessThan(60);
  });

  it('goes on in a resumed run without what came after its checkpoint, in one event file', () => {
    const first = new RunLog(folder, 0);
    first.step(50, 0.9, 100, 2);
    first.validation(validation(100, 4));
    first.step(150, 0.8, 100, 6);
    first.validation(validation(160, 7)); // within an epoch: a run that was never stopped has none here
    first.step(200, 0.7, 100, 9);
    const second = new RunLog(folder, 7, { step: 160, validation: 159 });
    second.step(170, 0.6, 100, 9);
    expect(eventFiles()).toHaveLength(1);
    expect(events().map(({ step }) => step)).toEqual([0, 50, 100, 150, 170]);
    const times = events().slice(1);
    expect(times.map(({ wallTime }) => Math.round(wallTime - times[0].wallTime))).toEqual([0, 2, 4, 7]);
  });
});

describe('sessions', () => {
  const environment = { version: '1.2.3', adapter: 'a gpu' } as Environment;

  it('are kept one after the other, each with its end', () => {
    beginSession(folder, environment);
    expect(readSessions(folder)).toMatchObject([{ version: '1.2.3', pid: process.pid }]);
    expect(readSessions(folder)[0]).not.toHaveProperty('ended');
    endSession(folder, { stopped: 'aborted' });
    beginSession(folder, environment);
    endSession(folder, { stopped: 'failed', error: 'no' });
    expect(readSessions(folder)).toMatchObject([
      { stopped: 'aborted', ended: expect.any(String) },
      { stopped: 'failed', error: 'no', ended: expect.any(String) },
    ]);
  });

  it('that are none are named', () => {
    writeFileSync(join(folder, 'environment.json'), '{}');
    expect(() => readSessions(folder)).toThrow(/environment\.json: is no list of sessions/);
  });
});
