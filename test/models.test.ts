import { describe, expect, it } from 'vitest';
import { Stream } from '../src/engine/stream.js';
import { Tape } from '../src/engine/tape.js';
import { evaluate } from '../src/infer/evaluation.js';
import { NeuralRecommender } from '../src/infer/neural.js';
import { uploadQuery } from '../src/infer/query.js';
import { Model } from '../src/model/model.js';
import { allArchitectures, architectureNames } from '../src/model/registry.js';
import { analyse } from '../src/report/analyse.js';
import { loadCheckpoint } from '../src/store/checkpoint.js';
import { loadResumable } from '../src/store/resumable.js';
import { RunFolder } from '../src/store/run-folder.js';
import { optionTable, resolveConfig, type TrainOptions } from '../src/train/config.js';
import { PRESETS } from '../src/train/presets.js';
import { train } from '../src/train/train.js';
import { inheritedOptions, warmStart } from '../src/train/warm-start.js';
import { gpu } from './support/device.js';
import { scratchFolder } from './support/scratch.js';
import { dataset, MODEL, TRAINING } from './support/small.js';

const at = scratchFolder();

/** The small options that an architecture has, of a model and of its training. */
function optionsOf(model: string): Partial<TrainOptions> {
  const { negs_per_pos: _, ...training } = { ...TRAINING, ...MODEL, lr: 1e-2 };
  const table = optionTable(model);
  return { model, ...Object.fromEntries(Object.entries(training).filter(([key]) => Object.hasOwn(table, key))) };
}

const run = (model: string, name: string, options: Partial<TrainOptions>, resume = false) =>
  train({ gpu, dataset, store: new RunFolder(at(name)), resume, options: { ...optionsOf(model), ...options } });

describe.each(architectureNames())('%s', (model) => {
  it('learns, and is resumed to the same bits', async () => {
    const { best } = await run(model, `${model}-whole`, { max_epochs: 15 });
    expect(best).toBeDefined();
    await run(model, `${model}-parts`, { max_steps: 9 });
    await run(model, `${model}-parts`, { max_steps: 60, max_epochs: 15 }, true);
    const [parts, whole] = ['parts', 'whole'].map((part) => loadResumable(at(`${model}-${part}`)));
    expect(parts.weights).toEqual(whole.weights);
    expect(parts.slots).toEqual(whole.slots);

    const recommender = NeuralRecommender.on(gpu, loadCheckpoint(at(`${model}-whole`)));
    const { estimates } = await evaluate(recommender, dataset, 'test', { resamples: 10 });
    expect(recommender.name).toBe(allArchitectures()[model].title);
    expect(estimates['ndcg@10'].value).toBeGreaterThan(1.2 * (10 / dataset.numItems)); // guesses reach less than 10 / N
    recommender.release();
  });

  it('recommends what it ranks first, to one history as among many', async () => {
    const recommender = NeuralRecommender.on(gpu, loadCheckpoint(at(`${model}-whole`)));
    const histories = [[5, 9, 17, 30], [2], Array.from({ length: 31 }, (_, i) => 1 + ((11 * i) % 240))];
    const together = await recommender.top(histories, { top: 5 });
    for (const [i, history] of histories.entries()) {
      const [alone] = await recommender.top([history], { top: 5 });
      expect(alone.map(({ item }) => item)).toEqual(together[i].map(({ item }) => item));
      expect(together[i].every(({ item }) => !history.includes(item))).toBe(true);
    }
    if (recommender.explain) {
      for (const weights of await recommender.explain(histories))
        expect(weights.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 4);
    }
    recommender.release();
  });

  it('computes a last token alone as among all tokens', async () => {
    const { config, weights } = loadCheckpoint(at(`${model}-whole`));
    const stream = new Stream(gpu);
    const one = new Model(stream, config, weights);
    const query = one.task.query([Uint32Array.of(4, 8, 15, 16), Uint32Array.of(23)], config.sequence_length);
    const [all, last] = stream.scope(() => {
      const { batch, last } = uploadQuery(one, query);
      const tape = new Tape(stream, false);
      return [stream.download(one.encode(tape, batch)), stream.download(one.encode(tape, batch, { last }))];
    });
    stream.submit();
    const [hidden, wanted] = await Promise.all([all, last]);
    const D = config.embedding_dim;
    query.lastTokens.forEach((t, row) => {
      for (let d = 0; d < D; d++) expect(wanted[row * D + d]).toBeCloseTo(hidden[t * D + d] as number, 4);
    });
    one.release();
  });

  it('is reported on, and starts another run whose catalogue has grown', async () => {
    const names = { items: { titles: new Map(), originals: new Map() } };
    const from = loadCheckpoint(at(`${model}-whole`));
    const { rankings } = await analyse(gpu, from, { dataset }, names);
    expect(rankings[0].name).toBe(allArchitectures()[model].title);
    const config = resolveConfig(250, [inheritedOptions(from)]);
    for (const [, { data }] of warmStart(from, config, 'old')) expect(data.every(Number.isFinite)).toBe(true);
  });

  it('takes every preset, and what is recommended for it overrules one', () => {
    const { recommended = {} } = allArchitectures()[model];
    for (const preset of Object.values(PRESETS))
      expect(resolveConfig(5000, [preset, { model }])).toMatchObject({ model, ...recommended });
    for (const [key, value] of Object.entries(recommended)) {
      expect(resolveConfig(10, [{ model }])).toHaveProperty(key, value);
    }
  });
});

it('options given beside a model, or after it, yield to nothing that is recommended', () => {
  expect(resolveConfig(10, [{ model: 'sasrec', loss: 'ssm' }])).toMatchObject({ loss: 'ssm', negs_per_pos: 1 });
  expect(
    resolveConfig(10, [
      { model: 'sasrec', loss: 'ssm' },
      { model: 'sasrec', lr: 0.1 },
    ]).loss,
  ).toBe('ssm');
  expect(resolveConfig(10, [{ model: 'sasrec', loss: 'ssm' }, { model: 'esasrec' }, { model: 'sasrec' }]).loss).toBe(
    'bce',
  );
});
