import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { DeviceLostError } from '../src/base/errors.js';
import type { Gpu } from '../src/engine/gpu.js';
import { readJournal } from '../src/store/journal.js';
import { loadResumable } from '../src/store/resumable.js';
import { RunFolder } from '../src/store/run-folder.js';
import { trainThroughLoss } from '../src/train/through-loss.js';
import { train } from '../src/train/train.js';
import { openTestGpu } from './support/gpu.js';
import { scratchFolder } from './support/scratch.js';
import { dataset, TRAINING } from './support/small.js';

const at = scratchFolder('each test');
const options = { ...TRAINING, max_epochs: 3 };

/** Trains on devices that are lost after some steps, counted from the run's beginning. */
async function lose(run: string, losses: readonly number[]) {
  const opened: Gpu[] = [];
  const open = async () => {
    opened.push(await openTestGpu());
    return opened[opened.length - 1];
  };
  const due = [...losses];
  const lost = new Set<Gpu>(); // steps that were done before the loss are still told
  const told: number[] = [];
  const request = {
    ...{ gpu: await open(), dataset, store: new RunFolder(at(run)), options },
    onStep: ({ step }: { step: number }) => {
      const gpu = opened[opened.length - 1];
      if (step !== due[0] || lost.has(gpu)) return;
      due.shift();
      lost.add(gpu);
      gpu.device.destroy(); // with two more steps under way
    },
  };
  try {
    const result = await trainThroughLoss(request, (error, step) => {
      expect(error).toBeInstanceOf(DeviceLostError);
      told.push(step);
      return open();
    });
    return { result, told };
  } finally {
    for (const gpu of opened) gpu.close();
  }
}

it('a device that is lost in the middle of a step costs no bit: another goes on from the last checkpoint', async () => {
  const gpu = await openTestGpu();
  await train({ gpu, dataset, store: new RunFolder(at('whole')), options });
  gpu.close();
  const { result, told } = await lose('lost', [6, 10]);
  expect(result).toMatchObject({ stopped: 'max_epochs', steps: 12 });
  expect(told).toEqual([4, 8]);
  const timeless = (run: string) => {
    const { loop, ...rest } = loadResumable(at(run));
    return { ...rest, loop: { ...loop, seconds: 0 } };
  };
  expect(timeless('lost')).toEqual(timeless('whole'));
  const best = (run: string) => readFileSync(at(run, 'best.safetensors'));
  expect(best('lost')).toEqual(best('whole'));
  const journal = (run: string) =>
    readJournal(at(run, 'metrics.jsonl')).map(({ seconds, positions_per_second, ...rest }) => rest);
  expect(journal('lost')).toEqual(journal('whole'));
});

it('ends with the loss where there is no checkpoint yet, or none since the loss before', async () => {
  await expect(lose('early', [2])).rejects.toThrow(/^the GPU device was lost \(destroyed\): /);
  await expect(lose('twice', [6, 7])).rejects.toThrow(DeviceLostError);
  expect(loadResumable(at('twice')).step).toBe(4);
});
