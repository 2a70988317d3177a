import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { TrainingBatches } from '../src/data/batches.js';
import { Sequences } from '../src/data/dataset.js';
import { metricsOf } from '../src/data/metrics.js';
import { nextItem } from '../src/data/tasks.js';
import { popularity } from '../src/infer/baselines.js';
import { initialParameters } from '../src/model/parameters.js';
import { readJournal } from '../src/store/journal.js';
import { loadResumable } from '../src/store/resumable.js';
import { RunFolder } from '../src/store/run-folder.js';
import { resolveConfig } from '../src/train/config.js';
import { type TrainRequest, train } from '../src/train/train.js';
import { Trainer } from '../src/train/trainer.js';
import { gpu } from './support/device.js';
import { scratchFolder } from './support/scratch.js';
import { dataset, TRAINING } from './support/small.js';
import { spoilSlots } from './support/spoil.js';

describe('training', () => {
  const at = scratchFolder('each test');

  const run = (name: string, request: Partial<TrainRequest> = {}) =>
    train({ gpu, dataset, store: new RunFolder(at(name)), ...request, options: { ...TRAINING, ...request.options } });
  /** The journal without what depends on the clock. */
  const journal = (name: string) =>
    readJournal(at(name, 'metrics.jsonl')).map(({ seconds, positions_per_second, ...rest }) => rest);
  /** The last checkpoint without the time that training took. */
  const timeless = (name: string) => {
    const { loop, ...rest } = loadResumable(at(name));
    return { ...rest, loop: { ...loop, seconds: 0 } };
  };
  const bytes = (name: string, file = 'last.safetensors') => readFileSync(at(name, file));

  it('creates no buffer, bind group layout or pipeline from the third step on, and submits once a step', async () => {
    const config = resolveConfig(dataset.numItems, [{ ...TRAINING, train_batch_size: 17 }]);
    const batches = new TrainingBatches(nextItem, dataset.train, { sequenceLength: 20, batchSize: 17, seed: 1 });
    const trainer = new Trainer(gpu, config, { weights: initialParameters(config, { seed: 1 }), step: 0 });
    await trainer.prepare(batches.capacity);
    const lengths = new Set<number>();
    const step = async (index: number) => {
      const batch = batches.batch(0, index);
      lengths.add(batch.tokens);
      await trainer.train(batch);
    };
    await step(0);
    await step(1);
    const created = gpu.created;
    const submits = trainer.stream.submits;
    for (let index = 2; index < batches.perEpoch; index++) await step(index);
    expect(gpu.created).toEqual(created);
    expect(trainer.stream.submits - submits).toBe(batches.perEpoch - 2);
    expect(lengths.size).toBeGreaterThan(5); // ragged batches of many lengths
    trainer.release();
  });

  it('gives the same bits twice, and others from another seed', async () => {
    const options = { max_epochs: 1 };
    await run('a', { options });
    await run('b', { options });
    await run('c', { options: { ...options, seed: 6 } });
    const weights = ['a', 'b', 'c'].map((name) => loadResumable(at(name)).weights);
    expect(weights[1]).toEqual(weights[0]);
    expect(weights[2]).not.toEqual(weights[0]);
  });

  it.each([
    ['before the first step', 0],
    ['within an epoch', 5],
    ['between two epochs', 4],
  ])('resumes %s to the same bits as a run that never stopped', async (_, steps) => {
    await run('whole', { options: { max_epochs: 3 } });
    const interrupt = new AbortController();
    if (steps === 0) interrupt.abort();
    const atStep = ({ step }: { step: number }) => step >= steps && interrupt.abort();
    const request: Partial<TrainRequest> = steps === 4 ? { onValidation: atStep } : { onStep: atStep };
    const first = await run('parts', { options: { max_epochs: 3 }, signal: interrupt.signal, ...request });
    expect(first.stopped).toBe('aborted');
    expect(first.steps).toBeGreaterThanOrEqual(steps);
    expect(first.steps).toBeLessThan(12);
    const second = await run('parts', { resume: true });
    expect(second).toMatchObject({ stopped: 'max_epochs', steps: 12 });
    expect(timeless('parts')).toEqual(timeless('whole'));
    expect(bytes('parts', 'best.safetensors')).toEqual(bytes('whole', 'best.safetensors'));
    expect(journal('parts')).toEqual(journal('whole'));
  });

  it.each(['compile', 'advance'] as const)(
    'ends at once when it is aborted while the GPU is at work on its shaders (%s), and resumes to the same bits',
    async (busy) => {
      await run('whole', { options: { max_epochs: 1 } });
      const compiling = vi.spyOn(Trainer.prototype, busy).mockReturnValue(new Promise<never>(() => {}));
      const interrupt = new AbortController();
      const onPrepared = vi.fn(async () => {});
      const parts = run('parts', { options: { max_epochs: 1 }, signal: interrupt.signal, onPrepared });
      await vi.waitFor(() => expect(compiling).toHaveBeenCalled());
      interrupt.abort();
      expect(await parts).toMatchObject({ stopped: 'aborted', steps: 0 });
      expect(onPrepared).toHaveBeenCalledTimes(busy === 'advance' ? 1 : 0);
      compiling.mockRestore();
      await run('parts', { resume: true });
      expect(timeless('parts')).toEqual(timeless('whole'));
      expect(journal('parts')).toEqual(journal('whole'));
    },
  );

  it('goes on from a step limit as if it had not been there', async () => {
    await run('whole', { options: { max_steps: 10 } });
    const part = await run('parts', { options: { max_steps: 6 } });
    expect(part.stopped).toBe('max_steps');
    expect(part.best).toBeDefined();
    await run('parts', { resume: true, options: { max_steps: 10 } });
    expect(loadResumable(at('parts')).weights).toEqual(loadResumable(at('whole')).weights);
    expect(journal('parts')).toEqual(journal('whole'));
    expect(bytes('parts', 'best.safetensors')).toEqual(bytes('whole', 'best.safetensors'));
  });

  it.each([4, 6])('ends the validation at step %i at once, and resumes to the same bits', async (step) => {
    // A limit of six steps is validated within the epoch.
    const options = { eval_batch_size: 1, ...(step === 6 ? { max_steps: 6 } : { max_epochs: 2 }) };
    await run('whole', { options });
    const interrupt = new AbortController();
    let done = 0;
    const onStep: TrainRequest['onStep'] = (state) => {
      done = state.step;
    };
    const ranked: number[] = [];
    class Watched extends Sequences {
      override at(user: number): Uint32Array {
        if (done === step && ranked.push(user) === 10) interrupt.abort();
        return super.at(user);
      }
    }
    const { inputs, targets } = dataset.val;
    const watched = { ...dataset, val: { inputs: new Watched(inputs.items, inputs.offsets), targets } };
    const onValidation = vi.fn();
    const first = await run('parts', { dataset: watched, options, signal: interrupt.signal, onStep, onValidation });
    expect(first).toMatchObject({ stopped: 'aborted', steps: step });
    expect(ranked.length).toBeLessThan(15);
    expect(onValidation).toHaveBeenCalledTimes(step === 6 ? 1 : 0);
    const second = await run('parts', { resume: true, options });
    expect(second.stopped).toBe(step === 6 ? 'max_steps' : 'max_epochs');
    expect(timeless('parts')).toEqual(timeless('whole'));
    expect(bytes('parts', 'best.safetensors')).toEqual(bytes('whole', 'best.safetensors'));
    expect(journal('parts')).toEqual(journal('whole'));
  });

  it('tells of every step once, in order, with its loss', async () => {
    const steps: number[] = [];
    const onStep: TrainRequest['onStep'] = ({ step, stepsHere, epoch, loss }) => {
      expect({ stepsHere, epoch }).toEqual({ stepsHere: step, epoch: Math.ceil(step / 4) });
      expect(loss).toBeGreaterThan(0);
      steps.push(step);
    };
    await run('told', { options: { max_steps: 10 }, onStep });
    expect(steps).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it('learns: far beyond popularity within fifty epochs', async () => {
    const result = await run('learns', { options: { max_epochs: 50, max_batches_per_epoch: 7 } });
    const popular = metricsOf((await popularity(dataset).rank(dataset.val)).ranks);
    expect(result.best!.metrics['ndcg@10']).toBeGreaterThan(4 * popular['ndcg@10']);
    const losses = readJournal(at('learns', 'metrics.jsonl')).map(({ loss }) => loss as number);
    expect(losses.at(-1)!).toBeLessThan(0.8 * losses[0]);
  });

  it('stops early when validation no longer improves', async () => {
    const result = await run('early', { options: { lr: 1e-9, early_stopping_patience: 2, max_epochs: 50 } });
    expect(result.stopped).toBe('early_stopping');
    expect(result.epochs).toBeLessThan(50);
  });

  it('says so when the loss is no longer a number, and leaves the last checkpoint as it was', async () => {
    await run('diverges', { options: { max_epochs: 1 } });
    spoilSlots(at('diverges'));
    const before = loadResumable(at('diverges'));
    const diverging = run('diverges', { resume: true, options: { max_epochs: 2 } });
    await expect(diverging).rejects.toThrow(
      /^the loss is NaN at step 6: try a smaller lr than 0\.005; the last checkpoint in .*diverges is as it was/,
    );
    expect(loadResumable(at('diverges'))).toEqual(before);
  });

  it('refuses a catalogue whose table the adapter cannot bind, before anything is written', async () => {
    const big = { ...dataset, numItems: Math.floor(gpu.pool.limit / 64) };
    await expect(run('big', { dataset: big })).rejects.toThrow(
      /^the table of \d+ items at embedding_dim 16 takes [\d.]+ MiB, but this adapter binds at most [\d.]+ MiB; use embedding_dim 14 at most/,
    );
    expect(existsSync(at('big'))).toBe(false);
  });

  it('trains without validation users to a limit, and keeps the latest weights', async () => {
    const val = { inputs: Sequences.from([]), targets: new Uint32Array(0) };
    const { best, stopped } = await run('blind', { dataset: { ...dataset, val }, options: { max_epochs: 3 } });
    expect([best!.step, stopped]).toEqual([12, 'max_epochs']);
    expect(best!.weights).toEqual(loadResumable(at('blind')).weights);
    expect(journal('blind')[2]).toEqual({ epoch: 3, step: 12, loss: expect.any(Number), lr: 0.005 });
  });

  it('writes no checkpoint of weights that are no longer numbers', async () => {
    await run('spoilt', { options: { max_epochs: 1, max_batches_per_epoch: 1 } });
    spoilSlots(at('spoilt'));
    const before = loadResumable(at('spoilt'));
    const spoilt = run('spoilt', { resume: true, options: { max_epochs: 2, max_batches_per_epoch: 1 } });
    await expect(spoilt).rejects.toThrow(/ holds a number that is not finite at step 2: try a smaller lr than 0\.005/);
    expect(loadResumable(at('spoilt'))).toEqual(before);
  });

  it('refuses a folder that holds a run, and a resumed run with another configuration', async () => {
    await run('taken', { options: { max_epochs: 1 } });
    await expect(run('taken')).rejects.toThrow(/a run is there already/);
    await expect(run('taken', { resume: true, options: { embedding_dim: 8 } })).rejects.toThrow(
      /embedding_dim is 16 .* 8/,
    );
    await expect(run('absent', { resume: true })).rejects.toThrow(/nothing to resume/);
  });
});
