import { describe, expect, it } from 'vitest';
import { JUDGES } from '../src/kernels/score/judges/index.js';
import { NEGATIVES, refusal } from '../src/kernels/score/negatives/index.js';
import { initialParameters } from '../src/model/parameters.js';
import { resolveConfig, type TrainOptions } from '../src/train/config.js';
import { drawnFrom } from '../src/train/plan.js';
import { Trainer, type TrainerState } from '../src/train/trainer.js';
import { gpu } from './support/device.js';
import { dataset, TRAINING } from './support/small.js';

/** Every loss with every kind of negatives that it takes. */
const OBJECTIVES = Object.values(JUDGES).flatMap((judge) =>
  Object.values(NEGATIVES)
    .filter((negatives) => refusal(judge, negatives) === undefined)
    .map((negatives) => [judge.name, negatives.name] as const),
);

describe.each(OBJECTIVES)('the loss %s on the negatives %s', (loss, negatives) => {
  const { negs_per_pos, ...training } = TRAINING;
  const own = Object.hasOwn(NEGATIVES[negatives].options, 'negs_per_pos') ? { negs_per_pos } : {};
  const some = negatives === 'hardest' ? { hardest: 3 } : {};
  const configOf = (options: Partial<TrainOptions>) =>
    resolveConfig(dataset.numItems, [{ ...training, ...own, ...some, loss, negatives, ...options }]);

  async function steps(options: Partial<TrainOptions>, from: number, to: number, state?: TrainerState) {
    const config = configOf(options);
    const { batches, counts } = drawnFrom(dataset, config);
    const start = state ?? { weights: initialParameters(config, { seed: 2, std: config.init_std }), step: 0 };
    const trainer = new Trainer(gpu, config, start, { counts });
    await trainer.prepare(batches.capacity);
    const losses: number[] = [];
    for (let i = from; i < to; i++) losses.push(await trainer.train(batches.batch(0, i % batches.perEpoch)));
    const after = await trainer.state();
    trainer.release();
    return { losses, after };
  }

  it.each([false, true])('resumes to the same bits, one table %s', async (reuse_item_embeddings) => {
    const whole = await steps({ reuse_item_embeddings }, 0, 6);
    const part = await steps({ reuse_item_embeddings }, 0, 3);
    const rest = await steps({ reuse_item_embeddings }, 3, 6, part.after);
    expect(rest.after).toEqual(whole.after);
    expect([...part.losses, ...rest.losses]).toEqual(whole.losses);
  });

  it('falls', async () => {
    const { losses } = await steps({ lr: 0.02 }, 0, 40);
    const mean = (values: number[]) => values.reduce((a, b) => a + b) / values.length;
    expect(mean(losses.slice(-8))).toBeLessThan(0.99 * mean(losses.slice(0, 4)));
  });
});
