import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { GsasError } from '../src/base/errors.js';
import { loadCheckpoint } from '../src/store/checkpoint.js';
import { readJournal } from '../src/store/journal.js';
import { writeDataset } from '../src/store/layout.js';
import { resumableFile } from '../src/store/resumable.js';
import { RunFolder } from '../src/store/run-folder.js';
import { type TrainRequest, train } from '../src/train/train.js';
import { gsas } from './support/command.js';
import { gpu } from './support/device.js';
import { scratchFolder } from './support/scratch.js';
import { dataset, flagsOf, TRAINING } from './support/small.js';
import { mountTmpfs } from './support/tmpfs.js';
import { describeUntested } from './support/untested.js';

const at = scratchFolder();
const disk = mountTmpfs('size=4m');

const OPTIONS = { ...TRAINING, max_epochs: 3 };
const run = (folder: string, request: Partial<TrainRequest> = {}) =>
  train({ gpu, dataset, store: new RunFolder(folder), options: OPTIONS, ...request });

/** The files of a run, without everything that depends on the clock. */
const result = (folder: string) => ({
  last: readFileSync(join(folder, 'last.safetensors')),
  best: readFileSync(join(folder, 'best.safetensors')),
  metrics: readJournal(join(folder, 'metrics.jsonl')).map(({ seconds, positions_per_second, ...rest }) => rest),
});

if (typeof disk === 'string') describeUntested('a run on a full disk', disk);
else
  describe('a run on a disk', () => {
    let whole: ReturnType<typeof result>;
    beforeAll(async () => {
      await run(at('whole'));
      whole = result(at('whole'));
    });

    // From no room for the lock to no room for a third checkpoint beside the two before it.
    it.each([4, 8, 12, 24, 48, 64, 96, 128, 160, 192, 224, 256, 288])(
      'of %i KiB ends in one line, and goes on to the same bits when there is room',
      async (kilobytes) => {
        disk.remount(`size=${kilobytes}k`);
        const folder = join(disk.folder, 'run');
        const failed: unknown = await run(folder).catch((error) => error);
        expect(failed).toBeInstanceOf(GsasError);
        expect((failed as Error).message).toMatch(
          /^\S+: (cannot be written|this folder cannot be made): no space left on device[^\n]*$/,
        );
        if (existsSync(folder)) expect(readdirSync(folder).filter((name) => /\.(tmp|lock)$/.test(name))).toEqual([]);

        disk.remount('size=4m');
        await run(folder, { resume: resumableFile(folder) !== undefined });
        expect(result(folder)).toEqual(whole);
        rmSync(folder, { recursive: true });
      },
    );

    it('that is full makes the command exit 1 with one line', async () => {
      disk.remount('size=96k');
      writeDataset(at('data'), dataset);
      const out = join(disk.folder, 'full');
      const args = ['train', '--data', 'data', '--out', out, ...flagsOf(OPTIONS)];
      const { status, stderr } = await gsas(at(), ...args);
      expect({ status, stderr }).toEqual({
        status: 1,
        stderr: expect.stringMatching(new RegExp(`^error: ${out}/\\S+: cannot be written: no space left on device\n$`)),
      });
      disk.remount('size=4m');
      rmSync(out, { recursive: true });
    });

    it('that is read-only is refused before training, and can be evaluated', async () => {
      const folder = join(disk.folder, 'run');
      await run(folder);
      mkdirSync(join(disk.folder, 'empty'));
      disk.remount('ro');
      await expect(run(join(disk.folder, 'empty'))).rejects.toThrow(
        /run\.lock: cannot be written: read-only file system$/,
      );
      await expect(run(join(disk.folder, 'new'))).rejects.toThrow(
        /new: this folder cannot be made: read-only file system/,
      );
      await expect(run(folder, { resume: true, options: { max_epochs: 4 } })).rejects.toThrow(
        /run\.lock: cannot be written: read-only file system$/,
      );
      expect(loadCheckpoint(folder, 'last').step).toBe(12);
      disk.remount('rw');
      expect(result(folder)).toEqual(whole);
    });
  });

it('a run whose folder is removed meanwhile ends in one line, and does not make it again', async () => {
  const folder = at('removed');
  const onStep: TrainRequest['onStep'] = ({ step }) => step === 6 && rmSync(folder, { recursive: true });
  await expect(run(folder, { onStep })).rejects.toThrow(
    new GsasError(`${folder}: the folder of the run was removed while it went on`),
  );
  expect(existsSync(folder)).toBe(false);
});
