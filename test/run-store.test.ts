import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { syntheticDataset } from '../src/data/synthetic.js';
import { Stream } from '../src/engine/stream.js';
import { sizeOf } from '../src/engine/tensor.js';
import type { HostParameters } from '../src/model/parameters.js';
import { readJournal } from '../src/store/journal.js';
import { loadResumable } from '../src/store/resumable.js';
import { RunFolder } from '../src/store/run-folder.js';
import { readSafetensors } from '../src/store/safetensors.js';
import { readSessions } from '../src/store/sessions.js';
import type { ResumableCheckpoint } from '../src/train/checkpoint.js';
import { MemoryStore } from '../src/train/memory-store.js';
import { type TrainRequest, train } from '../src/train/train.js';
import { gpu } from './support/device.js';
import { scratchFolder } from './support/scratch.js';
import { dataset, TRAINING } from './support/small.js';

const at = scratchFolder('each test');
const run = (request: Partial<TrainRequest>) =>
  train({ gpu, dataset, ...request, options: { ...TRAINING, ...request.options } });

/** A checkpoint without the time that training took. */
function timeless({ loop, ...rest }: ResumableCheckpoint) {
  return { ...rest, loop: { ...loop, seconds: 0 } };
}

describe('a run in memory', () => {
  it('is resumed to the same bits as one that was never stopped, and as one in a folder', async () => {
    const [whole, parts] = [new MemoryStore(), new MemoryStore()];
    const options = { max_steps: 10 };
    await run({ store: whole, options });
    await run({ store: parts, options: { max_steps: 6 } });
    expect(parts.validations.map(({ step }) => step)).toEqual([4, 6]);
    const { best } = await run({ store: parts, options, resume: true });
    await run({ store: new RunFolder(at('run')), options });
    expect(timeless(parts.load())).toEqual(timeless(whole.load()));
    expect(timeless(parts.load())).toEqual(timeless(loadResumable(at('run'))));
    expect(best).toEqual(parts.best());
    expect(parts.validations.map(({ step }) => step)).toEqual([4, 8, 10]);
    expect(parts.outcome).toEqual({ stopped: 'max_steps' });
  });

  it('keeps what it has when a resumed run does not surpass its best, or fails', async () => {
    const store = new MemoryStore();
    await run({ store, options: { max_epochs: 1, lr: 1e-9 } });
    const [last, best] = [store.load(), store.best()];
    const result = await run({ store, options: { max_epochs: 2, lr: 1e-9 }, resume: true });
    expect(result.best).toBe(best);
    const onStep = () => {
      throw new Error('no more');
    };
    await expect(run({ store, options: { max_epochs: 3, lr: 1e-9 }, resume: true, onStep })).rejects.toThrow('no more');
    expect(store.load().step).toBe(last.step + 4);
    expect(store.outcome).toEqual({ stopped: 'failed', error: 'no more' });
  });

  it('refuses a second run, and to resume where there is none', async () => {
    const store = new MemoryStore();
    await expect(run({ store, resume: true })).rejects.toThrow(/^the run in memory has no checkpoint/);
    await run({ store, options: { max_steps: 1 } });
    await expect(run({ store })).rejects.toThrow(/^the run in memory has begun already/);
    await expect(run({ resume: true })).rejects.toThrow(/^resume needs store/);
  });
});

describe('what crosses the bus', () => {
  /** How many numbers are downloaded for checkpoints in four epochs, of which only the first improves; without losses and ranks. */
  async function downloaded(store?: MemoryStore): Promise<number> {
    const download = vi.spyOn(Stream.prototype, 'download');
    try {
      await run({ ...(store && { store }), options: { max_epochs: 4, lr: 1e-9 } });
      const sizes = download.mock.calls.map(([{ dtype, shape }]) => (dtype === 'f32' ? sizeOf(shape) : 0));
      return sizes.filter((size) => size > 1).reduce((sum, size) => sum + size, 0);
    } finally {
      download.mockRestore();
    }
  }

  it('is the best weights without a store, and with one the weights and slots of each checkpoint', async () => {
    const store = new MemoryStore();
    const full = await downloaded(store);
    const { weights, loop } = store.load();
    const size = [...weights.values()].reduce((sum, { data }) => sum + data.length, 0);
    expect(loop.epochs_without_improvement).toBe(3);
    expect(full).toBe(4 * 3 * size);
    expect(await downloaded()).toBe(size);
  });
});

describe('a run of version 0.1.0', () => {
  const old = (name: string) => join(fileURLToPath(new URL('fixtures/run-0.1.0', import.meta.url)), name);

  it('is resumed to the weights, slots and metrics that it would have ended with', async () => {
    cpSync(old('stopped'), at('run'), { recursive: true });
    const { dataset: its } = syntheticDataset({ items: 200, users: 80, valUsers: 20 });
    const store = new RunFolder(at('run'));
    const result = await train({ gpu, dataset: its, store, resume: true, options: { max_steps: 12 } });
    expect(result).toMatchObject({ stopped: 'max_steps', steps: 12 });

    const [resumed, whole] = [loadResumable(at('run')), loadResumable(old('whole'))];
    const [first, last] = readSessions(at('run'));
    const same = first.adapter === last.adapter && first.driver === last.driver;
    if (!same) console.warn(`the run of 0.1.0 was made on ${first.driver}, this is ${last.driver}: compared to 1e-5`);
    for (const [name, values] of Object.entries({ ...resumed.slots, weights: resumed.weights })) {
      const expected: HostParameters = name === 'weights' ? whole.weights : whole.slots[name];
      for (const [parameter, { data }] of values) {
        // Its gradient is zero in exact arithmetic, so that Adam moves it by an adapter's rounding.
        if (!same && parameter.endsWith('key_proj.bias')) continue;
        expectClose(data, expected.get(parameter)!.data, same ? 0 : 1e-5);
      }
    }
    const lines = (file: string) =>
      readJournal(file).map(({ seconds, positions_per_second, ...numbers }) => Object.values(numbers).map(Number));
    const [ours, theirs] = [lines(at('run/metrics.jsonl')), lines(old('whole/metrics.jsonl'))];
    expect(ours.length).toBe(3);
    ours.forEach((line, i) => {
      expectClose(line, theirs[i], same ? 0 : 1e-5);
    });
  });

  it('is written anew in the format of today', async () => {
    expect(readSafetensors(old('stopped/last.safetensors')).metadata).not.toHaveProperty('format');
    await run({ store: new RunFolder(at('run')), options: { max_steps: 1 } });
    for (const file of ['best', 'last']) {
      expect(readSafetensors(at('run', `${file}.safetensors`)).metadata).toMatchObject({
        format: '2',
        architecture: 'gsasrec',
      });
    }
  });
});

/** The largest difference, in units of the largest value. */
function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  const scale = Math.max(...Array.from(expected, Math.abs), Number.MIN_VALUE);
  const apart = Math.max(...Array.from(actual, (value, i) => Math.abs(value - expected[i])));
  expect(apart / scale).toBeLessThanOrEqual(tolerance);
}
