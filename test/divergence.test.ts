import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { type TrainingBatch, TrainingBatches } from '../src/data/batches.js';
import { nextItem } from '../src/data/tasks.js';
import { initialParameters } from '../src/model/parameters.js';
import { loadReplay } from '../src/store/replay.js';
import { RunFolder } from '../src/store/run-folder.js';
import { resolveConfig, type TrainOptions } from '../src/train/config.js';
import { replayStep } from '../src/train/divergence.js';
import { MemoryStore } from '../src/train/memory-store.js';
import { train } from '../src/train/train.js';
import { Trainer } from '../src/train/trainer.js';
import { gsas } from './support/command.js';
import { gpu } from './support/device.js';
import { scratchFolder } from './support/scratch.js';
import { dataset, TRAINING } from './support/small.js';
import { spoilSlots } from './support/spoil.js';

// Checked batches have only finite weights; these tests have others.
vi.mock(import('../src/data/check-batch.js'), async (original) => {
  const { checkBatch, ...others } = await original();
  return { ...others, checkBatch: (batch, config) => (batch.weights ? undefined : checkBatch(batch, config)) };
});

const batches = new TrainingBatches(nextItem, dataset.train, { sequenceLength: 20, batchSize: 32, seed: 1 });

/** A trainer at step 0. */
function trainerOf(options: Partial<TrainOptions>, guarded = false): Trainer {
  const { negs_per_pos, ...common } = TRAINING;
  const own = options.loss === 'ce' ? {} : { negs_per_pos };
  const config = resolveConfig(dataset.numItems, [{ ...common, ...own, ...options }]);
  return new Trainer(gpu, config, { weights: initialParameters(config, { seed: 1, std: 0.1 }), step: 0 }, { guarded });
}

/** The state after some steps, and the outcome of the last step. */
async function steps(options: Partial<TrainOptions>, count: number, guarded = false) {
  const trainer = trainerOf(options, guarded);
  let outcome: Awaited<ReturnType<Trainer['advance']>> | undefined;
  for (let i = 0; i < count; i++) outcome = await trainer.advance(batches.batch(0, i));
  const state = await trainer.state();
  trainer.release();
  return { state, outcome: outcome! };
}

describe('clipping by the global norm', () => {
  const CASES: [string, Partial<TrainOptions>][] = [
    ['dense updates', {}],
    ['lazy updates', { table_updates: 'lazy' }],
    ['one table', { reuse_item_embeddings: true }],
    ['a batch in parts', { train_batch_size: 11, accumulate: 3 }],
    ['cross entropy over the catalogue', { loss: 'ce' }],
  ];

  it.each(CASES)('changes no bit where the norm stays below, with %s', async (_, options) => {
    const plain = await steps(options, 3);
    expect((await steps({ ...options, clip_norm: 1e9 }, 3)).state).toEqual(plain.state);
    expect((await steps(options, 3, true)).state).toEqual(plain.state);
    expect(plain.outcome.norm).toBeUndefined();
  });

  it.each(['dense', 'lazy'] as const)('moves parameters as the float64 reference does (%s)', async (table_updates) => {
    const options = { table_updates, optimizer: 'sgd', lr: 0.5 };
    const trainer = trainerOf({ ...options, clip_norm: 0.01 });
    const before = await trainer.weights();
    const { gradients } = await trainer.differentiate(batches.batch(0, 0));
    const { norm } = await trainer.advance(batches.batch(0, 0));
    const after = await trainer.weights();
    trainer.release();
    const squares = [...gradients.values()].map(({ data }) => data.reduce((sum, g) => sum + g * g, 0));
    const expected = Math.sqrt(squares.reduce((a, b) => a + b, 0));
    expect(expected).toBeGreaterThan(0.02); // so that something is clipped
    expect(norm! / expected).toBeCloseTo(1, 5);
    const factor = 0.01 / (expected + 1e-6);
    let moved = 0;
    for (const [name, { data }] of after) {
      const start = before.get(name)!.data;
      const gradient = gradients.get(name)?.data;
      data.forEach((value, i) => {
        const wanted = start[i] - 0.5 * factor * (gradient?.[i] ?? 0);
        moved = Math.max(moved, Math.abs(value - start[i]));
        if (Math.abs(value - wanted) > 1e-6) expect.fail(`${name}[${i}] is ${value}, not ${wanted}`);
      });
    }
    expect(moved).toBeGreaterThan(1e-4);
  });
});

describe('a step that is not finite', () => {
  const at = scratchFolder('each test');
  /** A batch whose step is not finite although the parameters are. */
  const spoilt = (batch: TrainingBatch) => ({ ...batch, weights: new Float32Array(batch.tokens).fill(NaN) });

  it('moves nothing under skip, and is told from the others', async () => {
    const trainer = trainerOf({ on_nan: 'skip' });
    expect(await trainer.advance(batches.batch(0, 0))).toMatchObject({ finite: true, norm: expect.any(Number) });
    const before = await trainer.state();
    const outcome = await trainer.advance(spoilt(batches.batch(0, 1)));
    expect(outcome.finite).toBe(false);
    const after = await trainer.state();
    expect({ ...after, step: 1 }).toEqual(before);
    expect(await trainer.advance(batches.batch(0, 2))).toMatchObject({ finite: true });
    trainer.release();
  });

  it('ends a run with the step and the tensor, and a file that shows it again', async () => {
    await train({ gpu, dataset, store: new RunFolder(at('run')), options: { ...TRAINING, max_epochs: 1 } });
    spoilSlots(at('run'));
    const store = new RunFolder(at('run'));
    const run = train({ gpu, dataset, store, resume: true, options: { max_epochs: 2 } });
    const error: Error = await run.then(
      () => expect.unreachable(),
      (error) => error,
    );
    const file = at('run', 'diverged.safetensors');
    expect(error.message).toMatch(
      /^the loss is NaN at step 6: .*; in step 6 the loss is NaN and \S+ holds NaN as number \d+/,
    );
    expect(error.message).toContain(`\`gsas-wgpu replay ${file}\` shows it again`);
    const { status, stdout } = await gsas(at(), 'replay', file);
    expect({ status, stdout }).toEqual({
      status: 0,
      stdout: expect.stringMatching(/^in step 6 the loss is NaN and .*:\n {2}loss NaN\n {2}\S+: NaN as number \d+\n/),
    });
    const step = loadReplay(file);
    expect(await replayStep(gpu, step)).toMatchObject({ loss: NaN });
    const bytes = readFileSync(file);
    bytes[bytes.length - 9] ^= 1;
    writeFileSync(file, bytes);
    expect(await gsas(at(), 'replay', file)).toMatchObject({ status: 2, stderr: expect.stringContaining(file) });
    expect(await gsas(at(), 'replay', at('run', 'best.safetensors'))).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('holds no step to replay'),
    });
  });

  it('is counted by a run that leaves it out, and the count outlives the process', async () => {
    const advance = Trainer.prototype.advance;
    const spoil = async function (this: Trainer, ...[batch]: Parameters<typeof advance>) {
      return advance.call(this, [2, 5].includes(this.step + 1) ? spoilt(batch) : batch);
    };
    Trainer.prototype.advance = spoil;
    try {
      const store = new MemoryStore();
      const options = { ...TRAINING, on_nan: 'skip' as const };
      await train({ gpu, dataset, store, options: { ...options, max_steps: 4 } });
      await train({ gpu, dataset, store, resume: true, options: { max_steps: 8 } });
      expect(store.validations.map(({ skipped }) => skipped)).toEqual([1, 2]);
      for (const { loss } of store.validations) expect(loss).toBeGreaterThan(0.1);
      const stopped = train({ gpu, dataset, options: { ...TRAINING, max_steps: 4 } });
      await expect(stopped).rejects.toThrow(/^the loss is NaN at step 2: try a smaller lr than 0\.005$/);
    } finally {
      Trainer.prototype.advance = advance;
    }
  });
});
