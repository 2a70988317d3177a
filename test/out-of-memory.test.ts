import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { OutOfMemoryError } from '../src/base/errors.js';
import { RunFolder } from '../src/store/run-folder.js';
import type { TrainOptions } from '../src/train/config.js';
import { train } from '../src/train/train.js';
import { gpu } from './support/device.js';
import { openTestGpu } from './support/gpu.js';
import { scratchFolder } from './support/scratch.js';
import { dataset, TRAINING } from './support/small.js';
import { skipUntested } from './support/untested.js';

const at = scratchFolder();

/** Trains in so much memory. @returns the error, or undefined where it is enough */
async function trainIn(kibibytes: number, options: Partial<TrainOptions> = {}): Promise<OutOfMemoryError | undefined> {
  const run = at(`${kibibytes}`);
  const small = await openTestGpu({ hostMemory: 1024 * kibibytes });
  const request = { gpu: small, dataset, store: new RunFolder(run, { warn: () => {} }) };
  try {
    const { steps } = await train({ ...request, options: { ...TRAINING, max_steps: 6, ...options } });
    expect(steps).toBe(6);
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(OutOfMemoryError);
    expect(existsSync(run), 'nothing is written').toBe(false);
    return error as OutOfMemoryError;
  } finally {
    small.close();
  }
}

const UNLIMITED = 'only a software adapter is given a limit';
const MIB = String.raw`\d+\.\d MiB`;

describe('a run that the device cannot hold ends before it writes anything', () => {
  it.for([
    ['a batch', 700, {}, 'backward', 'a smaller train_batch_size, sequence_length, negs_per_pos or embedding_dim'],
    ['a validation', 400, { train_batch_size: 4 }, 'forward', 'a smaller eval_batch_size or sequence_length'],
  ] as const)(
    'for %s, with what was asked for, what is held, and what helps',
    async ([, most, options, phase, advice], context) => {
      if (!gpu.capabilities.software) skipUntested(context, UNLIMITED);
      const error = await trainIn(most, options);
      const held = String.raw`${MIB} are held already \(.*the optimizer's slots ${MIB}.*parameters ${MIB}.*\)`;
      expect(error?.message).toMatch(
        new RegExp(
          String.raw`^a buffer of ${MIB} is needed for a tensor \[\d+, 16\] \(${phase}\) and ${held}, but there are only ${MIB}; use ${advice}$`,
        ),
      );
    },
  );

  it('and one that it can hold at its start needs no more later, checkpoints and validations included', async (context) => {
    if (!gpu.capabilities.software) skipUntested(context, UNLIMITED);
    const options = { train_batch_size: 4 };
    let [most, least] = [1024, 256]; // KiB that suffice, and that do not
    while (most - least > 64) {
      const between = (most + least) / 2;
      if (await trainIn(between, options)) least = between;
      else most = between;
    }
    expect(most).toBeLessThan(1024);
  });
});
