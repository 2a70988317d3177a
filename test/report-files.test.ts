import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Environment } from '../src/store/environment.js';
import { crc32c } from '../src/store/events.js';
import { readJournal } from '../src/store/journal.js';
import { RunLog } from '../src/store/runlog.js';
import { beginSession, endSession, readSessions } from '../src/store/sessions.js';
import { StepWindow } from '../src/train/step-window.js';
import { readEvents } from './support/events.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gsas-files-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const validation = (step: number, seconds: number) => ({
  ...{ step, epoch: step / 100, loss: 0.5, lr: 1e-3, positions_per_second: 1000, seconds },
  ...{ 'ndcg@10': 0.125, 'recall@1': 0.0625, 'recall@10': 0.25, mrr: 0.125 },
});
const steps = (step: number, seconds: number) => ({ step, loss: 0.5, positions_per_second: 200, seconds });
const eventFiles = () => readdirSync(folder).filter((name) => name.includes('tfevents'));
const events = () => readEvents(readFileSync(join(folder, eventFiles()[0])));

it('computes CRC-32C, by the check value of its catalogue entry', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
});

describe('StepWindow', () => {
  it('puts steps together into records of two seconds, and counts no time between them', () => {
    const window = new StepWindow(0);
    expect(window.add(1, 1, 100, 1)).toBeUndefined();
    expect(window.add(2, 3, 300, 2)).toEqual({ step: 2, loss: 2, positions_per_second: 200, seconds: 2 });
    expect(window.add(3, 5, 600, 3)).toBeUndefined();
    expect(window.take(3, 3)).toEqual({ step: 3, loss: 5, positions_per_second: 600, seconds: 3 });
    window.resume(13);
    expect(window.add(4, 7, 100, 13.25)).toBeUndefined();
    expect(window.take(4, 13.25)).toBeUndefined(); // too short for a rate
  });
});

describe('RunLog', () => {
  it('writes a JSON object a line', () => {
    const log = new RunLog(folder);
    log.steps(steps(2, 2));
    log.validation(validation(2, 3));
    expect(readJournal(join(folder, 'steps.jsonl'))).toEqual([steps(2, 2)]);
    expect(readJournal(join(folder, 'metrics.jsonl'))).toEqual([validation(2, 3)]);
  });

  it('writes for TensorBoard what it writes as JSON, at the time of training', () => {
    const log = new RunLog(folder);
    log.steps({ step: 40, loss: 0.75, positions_per_second: 200, seconds: 2.5 });
    log.validation(validation(100, 4));
    const [version, step, measured] = events();
    expect(version!.version).toBe('brain.Event:2');
    expect(step).toMatchObject({ step: 40, values: { 'train/loss': 0.75, 'train/positions_per_second': 200 } });
    expect(measured!.step).toBe(100);
    expect(measured!.values).toEqual({
      ...{ 'train/epoch': 1, 'train/epoch_loss': 0.5, 'train/lr': Math.fround(1e-3), 'val/ndcg@10': 0.125 },
      ...{ 'val/recall@1': 0.0625, 'val/recall@10': 0.25, 'val/mrr': 0.125 },
    });
    expect(measured!.wallTime - step!.wallTime).toBeCloseTo(1.5, 5);
    expect(Math.abs(step!.wallTime - 2.5 - Date.now() / 1000)).toBeLessThan(60);
  });

  it('goes on in a resumed run without what came after its checkpoint, in one event file', () => {
    const first = new RunLog(folder);
    first.steps(steps(50, 2));
    first.validation(validation(100, 4));
    first.steps(steps(150, 6));
    first.validation(validation(160, 7)); // within an epoch: an uninterrupted run has none here
    first.steps(steps(200, 9));
    const second = new RunLog(folder, { step: 160, validation: 159, seconds: 7 });
    second.steps(steps(170, 9));
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
    expect(() => readSessions(folder)).toThrow(/environment\.json: it is \{\}; it must be a list; remove the file/);
    writeFileSync(join(folder, 'environment.json'), '[{"started":"2026","stopped":"why"}]');
    expect(() => readSessions(folder)).toThrow(
      /environment\.json: stopped is "why"; it must be one of early_stopping, /,
    );
  });
});
