import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { DamagedFileError, InputError } from '../src/base/errors.js';
import { parameterShapes } from '../src/model/config.js';
import type { HostParameters } from '../src/model/parameters.js';
import { loadCheckpoint, saveWeights } from '../src/store/checkpoint.js';
import { readJson } from '../src/store/files.js';
import { Journal, readJournal } from '../src/store/journal.js';
import { loadResumable, recover, resumableFile, saveCheckpoint } from '../src/store/resumable.js';
import { createRun } from '../src/store/run-folder.js';
import { readSafetensors, writeSafetensors } from '../src/store/safetensors.js';
import type { ResumableCheckpoint } from '../src/train/checkpoint.js';
import { resolveConfig } from '../src/train/config.js';

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

const root = fs.mkdtempSync(join(tmpdir(), 'checkpoint-'));
afterAll(() => fs.rmSync(root, { recursive: true }));

let run: string;
beforeEach(() => {
  run = fs.mkdtempSync(join(root, 'run-'));
});

const config = resolveConfig(5, [{ sequence_length: 3, embedding_dim: 4, num_heads: 2, num_blocks: 1 }]);

/** Runs `action` as if in a process that is killed after this many changes to the disk. @returns whether it was */
function isKilledAfter(changes: number, action: () => void): boolean {
  disk.changesLeft = changes;
  try {
    action();
    return false;
  } catch {
    return true;
  } finally {
    disk.changesLeft = Infinity;
  }
}

/** A checkpoint in which every number shows its step and kind of tensor. */
function checkpointAt(step: number): ResumableCheckpoint {
  const filled = (value: number): HostParameters =>
    new Map(
      [...parameterShapes(config)].map(([name, shape]) => [
        name,
        { shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value) },
      ]),
    );
  return {
    config,
    step,
    epoch: step / 100,
    metrics: { 'ndcg@10': step / 1000 },
    weights: filled(step),
    slots: { m: filled(step + 0.25), v: filled(step + 0.5) },
    loop: {
      batch: 0,
      loss_sum: 0.1 * step,
      best_metric: step / 1000,
      epochs_without_improvement: 0,
      seconds: step / 7,
    },
  };
}

describe('a run’s checkpoints', () => {
  it('come back as they were saved, best and last apart', () => {
    saveCheckpoint(run, checkpointAt(100), true);
    saveCheckpoint(run, checkpointAt(200), false);
    expect(loadResumable(run)).toEqual(checkpointAt(200));
    const { slots, loop, ...best } = checkpointAt(100);
    expect(loadCheckpoint(run)).toEqual(best);
    expect(loadCheckpoint(run, 'last').step).toBe(200);
    expect(loadCheckpoint(join(run, 'best.safetensors'))).toEqual(best);
    expect(fs.readdirSync(run).sort()).toEqual([
      'best.safetensors',
      'last.optimizer-100.safetensors',
      'last.optimizer-200.safetensors',
      'last.safetensors',
      'previous.safetensors',
    ]);
  });

  it('hold the weights and nothing but the weights, under the official names', () => {
    saveCheckpoint(run, checkpointAt(100), true);
    const { tensors } = readSafetensors(join(run, 'last.safetensors'));
    expect([...tensors.keys()].sort()).toEqual([...parameterShapes(config).keys()].sort());
  });

  it('survive a kill at any change to the disk: the old or the new one, never a mixture', () => {
    const left = new Set<number>();
    for (let changes = 0; ; changes++) {
      const copy = join(run, String(changes));
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
      const copy = join(run, String(changes));
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
      const copy = join(run, String(changes));
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
      const copy = join(run, String(changes));
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
    const file = join(run, name);
    const bytes = fs.readFileSync(file);
    bytes[bytes.length - 1] ^= 1;
    fs.writeFileSync(file, bytes);
  };
  beforeEach(() => {
    saveCheckpoint(run, checkpointAt(100), true);
    saveCheckpoint(
      run,
      { ...checkpointAt(200), loop: { ...checkpointAt(200).loop, epochs_without_improvement: 1 } },
      false,
    );
  });

  it.each([
    ['last.safetensors', () => damage('last.safetensors')],
    ['last.optimizer-200.safetensors', () => damage('last.optimizer-200.safetensors')],
    ['last.optimizer-200.safetensors', () => fs.rmSync(join(run, 'last.optimizer-200.safetensors'))],
  ])('goes on from the checkpoint before %s, and says so', (name, harm) => {
    harm();
    const { checkpoint, faults, apply } = recover(run);
    expect(checkpoint).toEqual(checkpointAt(100));
    expect(faults).toEqual([
      expect.stringMatching(new RegExp(`${name}: is (damaged|missing)`)),
      `${run}: goes on from previous.safetensors, of step 100`,
    ]);
    apply();
    saveCheckpoint(run, checkpointAt(300), false);
    expect(loadResumable(run)).toEqual(checkpointAt(300));
    damage('last.safetensors');
    expect(loadResumable(run)).toEqual(checkpointAt(100));
  });

  it('is refused when nothing is whole, naming every file', () => {
    for (const name of ['last.safetensors', 'last.optimizer-100.safetensors']) damage(name);
    expect(() => loadResumable(run)).toThrow(DamagedFileError);
    expect(() => loadResumable(run)).toThrow(
      /last\.safetensors: is damaged.*; .*last\.optimizer-100\.safetensors: is damaged.*; no whole checkpoint is left/,
    );
  });

  it('counts the next validation as the best where the best weights are lost, and says so', () => {
    damage('best.safetensors');
    const { checkpoint, faults, apply } = recover(run);
    expect(checkpoint.step).toBe(200);
    expect(checkpoint.loop).not.toHaveProperty('best_metric');
    expect(checkpoint.loop.epochs_without_improvement).toBe(0);
    expect(faults).toEqual([
      expect.stringMatching(/best\.safetensors: is damaged: .*; the best weights are lost, the next validation counts/),
    ]);
    apply();
    expect(fs.existsSync(join(run, 'best.safetensors'))).toBe(false);
    expect(fs.existsSync(join(run, 'best.damaged.safetensors'))).toBe(true);
  });

  it('puts damaged best weights aside though no validation was completed', () => {
    const { best_metric, ...loop } = { ...checkpointAt(300).loop, batch: 3 };
    saveCheckpoint(run, { ...checkpointAt(300), loop }, true);
    damage('best.safetensors');
    const { checkpoint, faults, apply } = recover(run);
    expect(checkpoint.loop).toEqual(loop);
    expect(faults).toHaveLength(1);
    apply();
    expect(fs.existsSync(join(run, 'best.safetensors'))).toBe(false);
  });

  it('keeps a best that is younger than the checkpoint that it goes on from', () => {
    saveCheckpoint(run, checkpointAt(300), true);
    saveCheckpoint(run, checkpointAt(400), true);
    damage('last.safetensors');
    recover(run).apply();
    expect([loadResumable(run).step, loadCheckpoint(run).step]).toEqual([300, 400]);
  });

  it('is not put in order when somebody else has trained it meanwhile', () => {
    const { apply } = recover(run);
    saveCheckpoint(run, checkpointAt(300), false);
    expect(apply).toThrow(/another process has trained this run meanwhile/);
  });

  it('keeps the checkpoint before the last where the last is saved once more', () => {
    saveCheckpoint(run, checkpointAt(200), false);
    damage('last.safetensors');
    expect(loadResumable(run).step).toBe(100);
  });

  it('is cleared of what killed processes have left', () => {
    const names = ['last.safetensors.tmp', 'metrics.jsonl.tmp', 'report.html.tmp', 'run.lock.12.tmp'];
    for (const name of [...names, 'mine.tmp']) fs.writeFileSync(join(run, name), '');
    recover(run).apply();
    expect(fs.readdirSync(run).filter((name) => name.endsWith('.tmp'))).toEqual(['mine.tmp']);
  });
});

describe('loading', () => {
  const weights = (change: (weights: Map<string, { shape: readonly number[]; data: Float32Array }>) => void) => {
    const checkpoint = checkpointAt(100);
    const changed = new Map(checkpoint.weights);
    change(changed);
    const file = join(run, 'best.safetensors');
    saveWeights(file, { ...checkpoint, weights: changed });
    return () => loadCheckpoint(file);
  };
  const table = 'item_embedding.weight';
  const rows = (n: number) => ({ shape: [n, 4], data: new Float32Array(4 * n) });

  it('names the tensor, its shape and the expected one', () => {
    const load = weights((tensors) => tensors.set(table, rows(6)));
    expect(load).toThrow(InputError);
    expect(load).toThrow(`tensor ${table} is F32 [6,4], but the configuration in this file asks for F32 [7,4]`);
  });

  it('names a tensor that is missing or too many', () => {
    expect(weights((tensors) => tensors.delete(table))).toThrow(`tensor ${table} is missing`);
    expect(weights((tensors) => tensors.set('extra', rows(1)))).toThrow('tensor extra is not part of the model');
  });

  it('names another dtype', () => {
    saveCheckpoint(run, checkpointAt(100), true);
    const file = join(run, 'best.safetensors');
    const { tensors, metadata } = readSafetensors(file);
    const { shape, data } = tensors.get(table)!;
    tensors.set(table, { dtype: 'I32', shape, data: Int32Array.from(data as Float32Array) });
    writeSafetensors(file, tensors, metadata);
    expect(() => loadCheckpoint(run)).toThrow(`${file}: tensor ${table} is I32 [7,4], but`);
  });

  it.each([
    ['config', '{"num_items": 5', /metadata config: is not JSON/],
    ['config', '{"num_items": 5, "dropout": 1}', /unknown key "dropout"; did you mean dropout_rate\?/],
    ['config', '{"num_items": 5.5}', /num_items is 5.5/],
    ['step', '-1', /has -1 as step; it must be a count/],
    ['metrics', '{"ndcg@10": "high"}', /as metrics; it must be an object of numbers/],
  ])('names bad metadata: %s %s', (field, value, message) => {
    saveCheckpoint(run, checkpointAt(100), true);
    const file = join(run, 'best.safetensors');
    const { tensors, metadata } = readSafetensors(file);
    writeSafetensors(file, tensors, { ...metadata, [field]: value });
    expect(() => loadCheckpoint(run)).toThrow(InputError);
    expect(() => loadCheckpoint(run)).toThrow(message);
  });

  it('says what a file or folder lacks', () => {
    expect(() => loadCheckpoint('test/fixtures/h1.safetensors')).toThrow(/metadata has no config/);
    expect(() => loadCheckpoint(run)).toThrow(/holds no best\.safetensors; name the folder of a run/);
    expect(() => loadCheckpoint(join(run, 'none'))).toThrow(/none: cannot be read: no such file or directory/);
    expect(() => loadCheckpoint('package.json/none')).toThrow(/none: cannot be read: not a directory/);
    saveCheckpoint(run, checkpointAt(100), false);
    expect(() => loadCheckpoint(run)).toThrow(/holds no best\.safetensors; use .*last\.safetensors/);
  });
});

describe('resuming', () => {
  const optimizer = () => join(run, 'last.optimizer-100.safetensors');

  it('says so when there is nothing to resume', () => {
    expect(() => loadResumable(run)).toThrow(/nothing to resume, there is no last\.safetensors/);
  });

  it('refuses weights without their optimizer’s state', () => {
    saveCheckpoint(run, checkpointAt(100), true);
    fs.rmSync(optimizer());
    expect(() => loadResumable(run)).toThrow(/last\.optimizer-100\.safetensors: is missing/);
    fs.copyFileSync(join(run, 'best.safetensors'), join(run, 'last.safetensors'));
    expect(() => loadResumable(run)).toThrow(/names no optimizer state/);
  });

  it('refuses the state of another step, and a name that leads out of the folder', () => {
    saveCheckpoint(run, checkpointAt(100), true);
    const { tensors, metadata } = readSafetensors(optimizer());
    writeSafetensors(optimizer(), tensors, { ...metadata, step: '99' });
    expect(() => loadResumable(run)).toThrow(/is of step 99, but .*last\.safetensors is of step 100/);
    const last = readSafetensors(join(run, 'last.safetensors'));
    writeSafetensors(join(run, 'last.safetensors'), last.tensors, { ...last.metadata, optimizer: '../x' });
    expect(() => loadResumable(run)).toThrow(/names no optimizer state/);
  });
});

describe('createRun', () => {
  it('makes the folder, and again over what a run left that was killed before its first checkpoint', () => {
    const out = join(run, 'a', 'b');
    createRun(out).release();
    new Journal(join(out, 'metrics.jsonl'));
    expect(() => createRun(out).release()).not.toThrow();
  });

  it('refuses a folder with a run in it', () => {
    saveCheckpoint(run, checkpointAt(100), false);
    expect(() => createRun(run)).toThrow(InputError);
    expect(() => createRun(run)).toThrow(/a run is there already \(last\.safetensors\); add --resume .* another --out/);
  });

  it('refuses weights alone, and names a way on that is there', () => {
    saveWeights(join(run, 'best.safetensors'), checkpointAt(100));
    const message = /a run is there already \(best\.safetensors\), but no checkpoint to resume; .* --init-from/;
    expect(() => createRun(run)).toThrow(message);
    expect(() => loadResumable(run)).toThrow(/nothing to resume, .* from its best\.safetensors, with --init-from/);
  });

  it('refuses a file', () => {
    fs.writeFileSync(join(run, 'file'), '');
    expect(() => createRun(join(run, 'file'))).toThrow(InputError);
    expect(() => createRun(join(run, 'file', 'run'))).toThrow(/this folder cannot be made: not a directory/);
  });
});

describe('Journal', () => {
  const file = () => join(run, 'metrics.jsonl');
  const write = (...steps: number[]) => fs.writeFileSync(file(), steps.map((step) => `{"step":${step}}\n`).join(''));

  it('appends one object a line', () => {
    const journal = new Journal(file());
    journal.append({ step: 1, loss: 0.5 });
    journal.append({ step: 2, 'ndcg@10': 0.1 });
    expect(fs.readFileSync(file(), 'utf8')).toBe('{"step":1,"loss":0.5}\n{"step":2,"ndcg@10":0.1}\n');
  });

  it('drops what came after the checkpoint, a torn last line included', () => {
    write(100, 200, 300);
    fs.appendFileSync(file(), '{"step":');
    const journal = new Journal(file(), 200);
    journal.append({ step: 300 });
    expect(readJournal(file())).toEqual([{ step: 100 }, { step: 200 }, { step: 300 }]);
  });

  it('starts a new run’s file afresh', () => {
    write(100);
    new Journal(file());
    expect(readJournal(file())).toEqual([]);
  });

  it('names the line that is no record', () => {
    write(100);
    fs.appendFileSync(file(), 'x\n');
    expect(() => new Journal(file(), 100)).toThrow(/metrics\.jsonl line 2: is not JSON/);
    write(100);
    fs.appendFileSync(file(), '{"loss":1}\n');
    expect(() => new Journal(file(), 100)).toThrow(/metrics\.jsonl line 2: {"loss":1} is no record, it has no step/);
  });
});

describe('readJson', () => {
  it('names the file and the line', () => {
    const file = join(run, 'config.json');
    fs.writeFileSync(file, '{\n  "lr": 0.1\n  "seed": 1\n}');
    expect(() => readJson(file)).toThrow(InputError);
    expect(() => readJson(file)).toThrow(/config\.json line 3: is not JSON/);
    expect(() => readJson(join(run, 'none.json'))).toThrow(/none\.json: cannot be read: no such file or directory/);
    fs.writeFileSync(file, '{"lr": 0.1}');
    expect(readJson(file)).toEqual({ lr: 0.1 });
  });
});
