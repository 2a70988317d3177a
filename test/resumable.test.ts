import * as fs from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { DamagedFileError } from '../src/base/errors.js';
import { parameterShapes } from '../src/model/config.js';
import { loadCheckpoint } from '../src/store/checkpoint.js';
import { loadResumable, recover, resumableFile, saveCheckpoint } from '../src/store/resumable.js';
import { createRun } from '../src/store/run-folder.js';
import { readSafetensors, writeSafetensors } from '../src/store/safetensors.js';
import { checkpointAt, config } from './support/checkpoint.js';
import { scratchFolder } from './support/scratch.js';

/** How many more changes to the file system succeed before the process counts as killed, after which all of them fail. */
const disk = vi.hoisted(() => ({ changesLeft: Infinity }));

vi.mock('node:fs', async (importOriginal) => {
  const real = await importOriginal<typeof fs>();
  const mortal = <F extends (...args: never[]) => unknown>(change: F) =>
    ((...args) => {
      if (--disk.changesLeft < 0) throw new Error('killed');
      return change(...args);
    }) as F;
  return {
    ...real,
    openSync: mortal(real.openSync),
    writeSync: mortal(real.writeSync),
    renameSync: mortal(real.renameSync),
    rmSync: mortal(real.rmSync),
    // Only a power cut needs it, and it takes most of the time.
    fsyncSync: () => {},
  };
});

const at = scratchFolder('each test');

/** Runs `action` as if in a process that is killed after this many changes to the disk. @returns whether it was */
function isKilledAfter(changes: number, action: () => void): boolean {
  disk.changesLeft = changes;
  try {
    action();
    return false;
  } catch (error) {
    if (disk.changesLeft >= 0) throw error;
    return true;
  } finally {
    disk.changesLeft = Infinity;
  }
}

describe('a run’s checkpoints', () => {
  it('come back as they were saved, best and last apart', () => {
    saveCheckpoint(at(), checkpointAt(100), true);
    saveCheckpoint(at(), checkpointAt(200), false);
    expect(loadResumable(at())).toEqual(checkpointAt(200));
    const { slots, loop, ...best } = checkpointAt(100);
    expect(loadCheckpoint(at())).toEqual(best);
    expect(loadCheckpoint(at(), 'last').step).toBe(200);
    expect(loadCheckpoint(at('best.safetensors'))).toEqual(best);
    expect(fs.readdirSync(at()).sort()).toEqual([
      'best.safetensors',
      'last.optimizer-100.safetensors',
      'last.optimizer-200.safetensors',
      'last.safetensors',
      'previous.safetensors',
    ]);
  });

  it('hold the weights and nothing but the weights, under the official names', () => {
    saveCheckpoint(at(), checkpointAt(100), true);
    const { tensors } = readSafetensors(at('last.safetensors'));
    expect([...tensors.keys()].sort()).toEqual([...parameterShapes(config).keys()].sort());
  });

  it('survive a kill at any change to the disk: the old or the new one, never a mixture', () => {
    const left = new Set<number>();
    for (let changes = 0; ; changes++) {
      const copy = at(String(changes));
      fs.mkdirSync(copy);
      saveCheckpoint(copy, checkpointAt(100), true);
      if (!isKilledAfter(changes, () => saveCheckpoint(copy, checkpointAt(200), true))) break;
      left.add(expectResumable(copy));
    }
    expect(left).toEqual(new Set([100, 200]));
  });

  it('survive a kill in the first save: there is a run to resume, or room for a new one', () => {
    const left = new Set<number>();
    for (let changes = 0; ; changes++) {
      const copy = at(String(changes));
      fs.mkdirSync(copy);
      if (!isKilledAfter(changes, () => saveCheckpoint(copy, checkpointAt(100), true))) break;
      if (resumableFile(copy)) left.add(expectResumable(copy));
      else {
        expect(() => loadResumable(copy)).toThrow(/leave out --resume to start a run here/);
        createRun(copy).release();
        left.add(0);
      }
    }
    expect(left).toEqual(new Set([0, 100]));
  });

  it('survive a kill where there is nobody to validate on, and the last weights are the best', () => {
    const unmeasured = (step: number) => {
      const { best_metric, ...loop } = checkpointAt(step).loop;
      return { ...checkpointAt(step), loop };
    };
    for (let changes = 0; ; changes++) {
      const copy = at(String(changes));
      fs.mkdirSync(copy);
      saveCheckpoint(copy, unmeasured(100), true);
      if (!isKilledAfter(changes, () => saveCheckpoint(copy, unmeasured(200), true))) break;
      const { checkpoint, apply } = recover(copy);
      expect(checkpoint).toEqual(unmeasured(checkpoint.step));
      apply();
      expect(loadCheckpoint(copy).step).toBe(checkpoint.step);
    }
  });

  it('survive a kill while a folder is put in order', () => {
    for (let changes = 0; ; changes++) {
      const copy = at(String(changes));
      fs.mkdirSync(copy);
      for (const step of [100, 200]) saveCheckpoint(copy, checkpointAt(step), true);
      fs.truncateSync(join(copy, 'last.safetensors'), 100);
      fs.rmSync(join(copy, 'best.safetensors'));
      if (!isKilledAfter(changes, () => recover(copy).apply())) break;
      expect(expectResumable(copy)).toBe(100);
    }
  });

  /** Expects a run that can be resumed as if nothing had happened. @returns the step of its last checkpoint */
  function expectResumable(folder: string): number {
    const { checkpoint, apply } = recover(folder);
    expect(checkpoint).toEqual(checkpointAt(checkpoint.step));
    apply();
    expect(recover(folder)).toMatchObject({ checkpoint, faults: [] });
    const { slots, loop, ...best } = checkpoint;
    expect(loadCheckpoint(folder)).toEqual(best);

    saveCheckpoint(folder, checkpointAt(300), true);
    expect(fs.readdirSync(folder).sort()).toEqual([
      'best.safetensors',
      `last.optimizer-${checkpoint.step}.safetensors`,
      'last.optimizer-300.safetensors',
      'last.safetensors',
      'previous.safetensors',
    ]);
    return checkpoint.step;
  }
});

describe('a damaged run', () => {
  const damage = (name: string) => {
    const file = at(name);
    const bytes = fs.readFileSync(file);
    bytes[bytes.length - 1] ^= 1;
    fs.writeFileSync(file, bytes);
  };
  beforeEach(() => {
    saveCheckpoint(at(), checkpointAt(100), true);
    saveCheckpoint(
      at(),
      { ...checkpointAt(200), loop: { ...checkpointAt(200).loop, epochs_without_improvement: 1 } },
      false,
    );
  });

  it.each([
    ['last.safetensors', () => damage('last.safetensors')],
    ['last.optimizer-200.safetensors', () => damage('last.optimizer-200.safetensors')],
    ['last.optimizer-200.safetensors', () => fs.rmSync(at('last.optimizer-200.safetensors'))],
  ])('goes on from the checkpoint before %s, and says so', (name, harm) => {
    harm();
    const { checkpoint, faults, apply } = recover(at());
    expect(checkpoint).toEqual(checkpointAt(100));
    expect(faults).toEqual([
      expect.stringMatching(new RegExp(`${name}: is (damaged|missing)`)),
      `${at()}: goes on from previous.safetensors, of step 100`,
    ]);
    apply();
    saveCheckpoint(at(), checkpointAt(300), false);
    expect(loadResumable(at())).toEqual(checkpointAt(300));
    damage('last.safetensors');
    expect(loadResumable(at())).toEqual(checkpointAt(100));
  });

  it('is refused when nothing is whole, naming every file', () => {
    for (const name of ['last.safetensors', 'last.optimizer-100.safetensors']) damage(name);
    expect(() => loadResumable(at())).toThrow(DamagedFileError);
    expect(() => loadResumable(at())).toThrow(
      /last\.safetensors: is damaged.*; .*last\.optimizer-100\.safetensors: is damaged.*; no whole checkpoint is left/,
    );
  });

  it('counts the next validation as the best where the best weights are lost, and says so', () => {
    damage('best.safetensors');
    const { checkpoint, faults, apply } = recover(at());
    expect(checkpoint.step).toBe(200);
    expect(checkpoint.loop).not.toHaveProperty('best_metric');
    expect(checkpoint.loop.epochs_without_improvement).toBe(0);
    expect(faults).toEqual([
      expect.stringMatching(/best\.safetensors: is damaged: .*; the best weights are lost, the next validation counts/),
    ]);
    apply();
    expect(fs.existsSync(at('best.safetensors'))).toBe(false);
    expect(fs.existsSync(at('best.damaged.safetensors'))).toBe(true);
  });

  it('puts damaged best weights aside though no validation was completed', () => {
    const { best_metric, ...loop } = { ...checkpointAt(300).loop, batch: 3 };
    saveCheckpoint(at(), { ...checkpointAt(300), loop }, true);
    damage('best.safetensors');
    const { checkpoint, faults, apply } = recover(at());
    expect(checkpoint.loop).toEqual(loop);
    expect(faults).toHaveLength(1);
    apply();
    expect(fs.existsSync(at('best.safetensors'))).toBe(false);
  });

  it('keeps a best that is younger than the checkpoint that it goes on from', () => {
    saveCheckpoint(at(), checkpointAt(300), true);
    saveCheckpoint(at(), checkpointAt(400), true);
    damage('last.safetensors');
    recover(at()).apply();
    expect([loadResumable(at()).step, loadCheckpoint(at()).step]).toEqual([300, 400]);
  });

  it('is not put in order when somebody else has trained it meanwhile', () => {
    const { apply } = recover(at());
    saveCheckpoint(at(), checkpointAt(300), false);
    expect(apply).toThrow(/another process has trained this run meanwhile/);
  });

  it('keeps the checkpoint before the last where the last is saved once more', () => {
    saveCheckpoint(at(), checkpointAt(200), false);
    damage('last.safetensors');
    expect(loadResumable(at()).step).toBe(100);
  });

  it('is cleared of what killed processes have left', () => {
    const names = ['last.safetensors.tmp', 'metrics.jsonl.tmp', 'report.html.tmp', 'run.lock.12.tmp'];
    for (const name of [...names, 'mine.tmp']) fs.writeFileSync(at(name), '');
    recover(at()).apply();
    expect(fs.readdirSync(at()).filter((name) => name.endsWith('.tmp'))).toEqual(['mine.tmp']);
  });
});

describe('resuming', () => {
  const optimizer = () => at('last.optimizer-100.safetensors');

  it('says so when there is nothing to resume', () => {
    expect(() => loadResumable(at())).toThrow(/nothing to resume, there is no last\.safetensors/);
  });

  it('refuses weights without their optimizer’s state', () => {
    saveCheckpoint(at(), checkpointAt(100), true);
    fs.rmSync(optimizer());
    expect(() => loadResumable(at())).toThrow(/last\.optimizer-100\.safetensors: is missing/);
    fs.copyFileSync(at('best.safetensors'), at('last.safetensors'));
    expect(() => loadResumable(at())).toThrow(/names no optimizer state/);
  });

  it('refuses the state of another step, and a name that leads out of the folder', () => {
    saveCheckpoint(at(), checkpointAt(100), true);
    const { tensors, metadata } = readSafetensors(optimizer());
    writeSafetensors(optimizer(), tensors, { ...metadata, step: '99' });
    expect(() => loadResumable(at())).toThrow(/is of step 99, but .*last\.safetensors is of step 100/);
    const last = readSafetensors(at('last.safetensors'));
    writeSafetensors(at('last.safetensors'), last.tensors, { ...last.metadata, optimizer: '../x' });
    expect(() => loadResumable(at())).toThrow(/names no optimizer state/);
  });
});
