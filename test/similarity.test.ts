import { describe, expect, it } from 'vitest';
import { Tape } from '../src/engine/tape.js';
import { NeuralRecommender } from '../src/infer/neural.js';
import { lastHidden } from '../src/infer/query.js';
import type { HostParameters } from '../src/model/parameters.js';
import { initialParameters } from '../src/model/parameters.js';
import { resolveConfig, type TrainOptions } from '../src/train/config.js';
import { trainingBatches } from '../src/train/plan.js';
import { Trainer } from '../src/train/trainer.js';
import { gpu } from './support/device.js';
import { dataset, TRAINING } from './support/small.js';

const N = dataset.numItems;
const D = TRAINING.embedding_dim;
const configOf = (options: Partial<TrainOptions>) => resolveConfig(N, [TRAINING, { init_std: 1, ...options }]);
const trainerOf = (options: Partial<TrainOptions>, weights?: HostParameters) => {
  const config = configOf(options);
  return new Trainer(gpu, config, { weights: weights ?? initialParameters(config, { seed: 3 }), step: 0 });
};
const histories = [Uint32Array.of(1, 2, 3), Uint32Array.of(200), Uint32Array.of(7, 9, 7, 240)];

/** Scores [rows][N + 1] in float64, by item, of hidden states read from the model. */
async function scoresOf({ model }: Trainer, { similarity, temperature }: { similarity: string; temperature: number }) {
  const { stream, task } = model;
  const query = task.query(histories, model.config.sequence_length);
  const h = await stream.scope(() => stream.read(lastHidden(model, query)));
  const table = await stream.read(model.outputTable.pages[0]);
  const row = (of: ArrayLike<number>, i: number) => Array.from({ length: D }, (_, d) => of[i * D + d]);
  return histories.map((_, i) =>
    Array.from({ length: N + 1 }, (_, item) => {
      const [a, b] = [row(h, i), row(table, item)];
      const product = a.reduce((sum, x, d) => sum + x * b[d], 0);
      const lengths = similarity === 'cosine' ? Math.hypot(...a) * Math.hypot(...b) : 1;
      return product / lengths / temperature;
    }),
  );
}

describe.each([
  { similarity: 'cosine', temperature: 0.1 },
  { similarity: 'cosine', temperature: 1 },
  { similarity: 'dot', temperature: 4 },
])('scores by $similarity at temperature $temperature', (scoring) => {
  it.each([true, false])(
    'are those that recommend shows and ranks go by, one table %s',
    async (reuse_item_embeddings) => {
      const trainer = trainerOf({ ...scoring, reuse_item_embeddings });
      const recommender = new NeuralRecommender(trainer.model);
      const expected = await scoresOf(trainer, scoring);
      const found = await recommender.top(histories, { top: N, filterRated: false });
      const largest = Math.max(...expected.flat().map(Math.abs));
      found.forEach((items, row) => {
        expect(items).toHaveLength(N);
        for (const { item, score } of items) expect(Math.abs(score - expected[row][item]) / largest).toBeLessThan(1e-5);
      });
      const targets = Uint32Array.of(5, 17, 100);
      const inputs = { count: histories.length, at: (i: number) => histories[i] } as (typeof dataset)['test']['inputs'];
      const { ranks } = await recommender.rank({ inputs, targets }, { filterRated: false });
      const rankOf = (row: number) => 1 + found[row].findIndex(({ item }) => item === targets[row]);
      expect([...ranks]).toEqual(histories.map((_, row) => rankOf(row)));
      trainer.release();
    },
  );

  it.each(['gbce', 'ce'])('give the loss %s the gradients that small moves of a weight find', async (loss) => {
    const options = { ...scoring, loss, dropout_rate: 0 };
    const start = initialParameters(configOf(options), { seed: 3 });
    const batch = trainingBatches(dataset, configOf(options)).batch(0, 0);
    const trainer = trainerOf(options, start);
    const { gradients } = await trainer.differentiate(batch);
    trainer.release();
    const name = 'output_embedding.weight';
    const gradient = gradients.get(name)!.data;
    const item = batch.targets[0];
    const length = Math.hypot(...gradient.subarray(item * D, (item + 1) * D));
    const lossAt = async (step: number) => {
      const { shape, data } = start.get(name)!;
      const moved = Float32Array.from(data, (x, i) =>
        Math.floor(i / D) === item ? x + (step * gradient[i]) / length : x,
      );
      const there = trainerOf(options, new Map([...start, [name, { shape, data: moved }]]));
      const { loss } = await there.differentiate(batch);
      there.release();
      return loss;
    };
    const step = 0.02;
    const slope = ((await lossAt(step)) - (await lossAt(-step))) / (2 * step);
    expect(Math.abs(slope / length - 1)).toBeLessThan(0.02);
  });
});

it('a dot product at temperature 1 leaves hidden states and rows as they are', () => {
  const { model } = trainerOf({});
  const tape = new Tape(model.stream, false);
  const h = model.stream.zeros([2, D]);
  const scored = model.scored(tape, h);
  expect(scored.h).toBe(h);
  expect(scored.table.pages[0]).toBe(model.outputTable.pages[0]);
});

it('refuses a starting score that no cosine has', () => {
  expect(() => configOf({ similarity: 'cosine', init_prior: true })).toThrow(
    /init_prior .* the similarity cosine cannot/,
  );
});
