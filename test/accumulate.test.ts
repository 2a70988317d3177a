import { describe, expect, it } from 'vitest';
import { partsOf, TrainingBatches } from '../src/data/batches.js';
import { nextItem } from '../src/data/tasks.js';
import { JUDGES } from '../src/kernels/score/judges/index.js';
import { NEGATIVES, refusal } from '../src/kernels/score/negatives/index.js';
import { initialParameters } from '../src/model/parameters.js';
import { resolveConfig, type TrainOptions } from '../src/train/config.js';
import { drawnFrom } from '../src/train/plan.js';
import { Trainer } from '../src/train/trainer.js';
import { gpu } from './support/device.js';
import { dataset, MODEL } from './support/small.js';

// Two heads and dropout: their draws must not depend on how a batch is cut.
const OPTIONS = {
  ...MODEL,
  dropout_rate: 0.3,

  init_std: 0.1,
  seed: 5,
} satisfies Partial<TrainOptions>;
const batches = new TrainingBatches(nextItem, dataset.train, { sequenceLength: 20, batchSize: 24, seed: 1 });

async function steps(options: Partial<TrainOptions>, count = 1, batchOf = (i: number) => batches.batch(0, i)) {
  const config = resolveConfig(dataset.numItems, [{ ...OPTIONS, ...options }]);
  const start = { weights: initialParameters(config, { seed: 1, std: 0.1 }), step: 0 };
  const trainer = new Trainer(gpu, config, start, drawnFrom(dataset, config));
  await trainer.prepare(batches.capacity);
  const losses: number[] = [];
  for (let i = 0; i < count; i++) losses.push(await trainer.train(batchOf(i)));
  const { weights, slots } = await trainer.state();
  trainer.release();
  return { losses, weights, m: slots.m };
}

/** Largest difference of any gradient, over the largest element of it: Adam's first moments after the first step are a tenth of the gradients. */
function apart(a: Awaited<ReturnType<typeof steps>>, b: typeof a): number {
  return Math.max(
    ...[...a.m].map(([name, { data }]) => {
      const other = b.m.get(name)!.data;
      const largest = Math.max(...other.map(Math.abs));
      // The gradient of key_proj.bias is zero in exact arithmetic.
      return name.endsWith('key_proj.bias') ? 0 : Math.max(...data.map((x, i) => Math.abs(x - other[i]))) / largest;
    }),
  );
}

describe('a step in parts', () => {
  it.each(Object.keys(JUDGES).flatMap((loss) => [false, true].map((reuse) => [loss, reuse] as const)))(
    'has the gradients and the loss of the whole batch to rounding: %s, one table %s',
    async (loss, reuse) => {
      const negatives = JUDGES[loss].negatives ? {} : { negs_per_pos: 9 };
      const options = { loss, reuse_item_embeddings: reuse, ...negatives };
      const [whole, parts] = [
        await steps({ ...options, train_batch_size: 24 }),
        await steps({ ...options, train_batch_size: 7, accumulate: 4 }), // the last part has 3 rows
      ];
      expect(parts.losses[0] / whole.losses[0]).toBeCloseTo(1, 6);
      expect(apart(parts, whole)).toBeLessThan(1e-5);
    },
  );

  const others = Object.values(NEGATIVES).filter((each) => refusal(JUDGES.ssm, each) === undefined);
  it.each(others.map((negatives) => [negatives.name, negatives] as const))(
    'has those of the whole batch on the negatives %s, weighted and corrected too',
    async (negatives, { options: { negs_per_pos, hardest }, corrections }) => {
      const options: Partial<TrainOptions> = {
        ...{ loss: 'ssm', negatives },
        ...(negs_per_pos && { negs_per_pos: 9 }),
        ...(hardest && { hardest: 3 }),
        ...(corrections && { log_q: corrections.standard === true ? 'standard' : 'corrected' }),
      };
      const weights = (i: number) => {
        const batch = batches.batch(0, i);
        return { ...batch, weights: Float32Array.from({ length: batch.tokens }, (_, t) => t % 4) };
      };
      const [whole, parts] = [
        await steps({ ...options, train_batch_size: 24 }, 1, weights),
        await steps({ ...options, train_batch_size: 7, accumulate: 4 }, 1, weights),
      ];
      expect(parts.losses[0] / whole.losses[0]).toBeCloseTo(1, 6);
      expect(apart(parts, whole)).toBeLessThan(1e-5);
    },
  );

  it('is trained on as configured, and allocates nothing from the third step on', async () => {
    const config = resolveConfig(dataset.numItems, [
      { ...OPTIONS, negs_per_pos: 9, train_batch_size: 6, accumulate: 4 },
    ]);
    const trainer = new Trainer(gpu, config, { weights: initialParameters(config, { seed: 1 }), step: 0 });
    const small = new TrainingBatches(nextItem, dataset.train, {
      ...{ sequenceLength: 20, batchSize: 24, partSize: 6, seed: 1 },
    });
    expect(small.capacity).toBeLessThan(batches.capacity);
    await trainer.prepare(small.capacity);
    for (let i = 0; i < 2; i++) await trainer.train(small.batch(0, i));
    const { created } = gpu;
    for (let i = 2; i < 6; i++) await trainer.train(small.batch(0, i));
    expect(gpu.created).toEqual(created);
    trainer.release();
  });

  it('cuts a batch into its rows', () => {
    const batch = batches.batch(0, 1);
    const parts = partsOf(batch, 7);
    expect(parts.map(({ rows }) => rows)).toEqual([7, 7, 7, 3]);
    expect(parts.flatMap(({ ids }) => [...ids])).toEqual([...batch.ids]);
    expect(parts.flatMap(({ targets }) => [...targets])).toEqual([...batch.targets]);
    expect(parts.flatMap(({ spans, first }) => [...spans].map((token) => token + first))).toEqual([...batch.spans]);
    expect(partsOf(batch, 24)).toEqual([{ ...batch, first: 0 }]);
  });
});

describe('weights of tokens', () => {
  const weighted = (weightOf: (t: number) => number) => (i: number) => {
    const batch = batches.batch(0, i);
    return { ...batch, weights: Float32Array.from({ length: batch.tokens }, (_, t) => weightOf(t)) };
  };

  it('that are all 1 change no bit', async () => {
    const options = { train_batch_size: 24, negs_per_pos: 9 };
    expect(
      await steps(
        options,
        3,
        weighted(() => 1),
      ),
    ).toEqual(await steps(options, 3));
  });

  it('make the loss a weighted mean, in parts as in one', async () => {
    const options = { negs_per_pos: 9 };
    const weightOf = (t: number) => (t % 3 === 0 ? 0 : 1 + (t % 5));
    const [plain, whole, parts] = [
      await steps({ ...options, train_batch_size: 24 }),
      await steps({ ...options, train_batch_size: 24 }, 1, weighted(weightOf)),
      await steps({ ...options, train_batch_size: 5, accumulate: 5 }, 1, weighted(weightOf)),
    ];
    expect(parts.losses[0] / whole.losses[0]).toBeCloseTo(1, 6);
    expect(apart(parts, whole)).toBeLessThan(1e-5);
    expect(apart(plain, whole)).toBeGreaterThan(0.01);
  });
});
