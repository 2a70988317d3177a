import { beforeAll, describe, expect, it } from 'vitest';
import { GsasError, InputError } from '../src/base/errors.js';
import { Sequences } from '../src/data/dataset.js';
import { metricsOf } from '../src/data/metrics.js';
import { popularity } from '../src/infer/baselines.js';
import { evaluate } from '../src/infer/evaluation.js';
import { NeuralRecommender } from '../src/infer/neural.js';
import { Model } from '../src/model/model.js';
import { initialParameters } from '../src/model/parameters.js';
import { architectureNames, registerArchitecture } from '../src/model/registry.js';
import { analyse } from '../src/report/analyse.js';
import { loadCheckpoint } from '../src/store/checkpoint.js';
import { readConfigFile } from '../src/store/config-file.js';
import { convert } from '../src/store/convert/index.js';
import { writeDataset } from '../src/store/layout.js';
import { loadResumable } from '../src/store/resumable.js';
import { RunFolder } from '../src/store/run-folder.js';
import { readSafetensors } from '../src/store/safetensors.js';
import { optionTable, resolveConfig, resumeConfig, type TrainOptions } from '../src/train/config.js';
import { configFlags } from '../src/train/flags.js';
import { planTraining } from '../src/train/plan.js';
import { PRESETS } from '../src/train/presets.js';
import { type TrainRequest, train } from '../src/train/train.js';
import { inheritedOptions, warmStart } from '../src/train/warm-start.js';
import { gsas } from './support/command.js';
import { gpu, stream } from './support/device.js';
import { itemwise } from './support/itemwise.js';
import { scratchFolder } from './support/scratch.js';
import { dataset } from './support/small.js';

const builtIn = architectureNames();
registerArchitecture(itemwise);

const at = scratchFolder();
const OPTIONS = {
  ...{ model: 'itemwise', embedding_dim: 16, sequence_length: 20, negs_per_pos: 8, train_batch_size: 32 },
  ...{ max_batches_per_epoch: 4, lr: 2e-2, init_std: 0.02, seed: 5 },
} satisfies Partial<TrainOptions>;

const run = (name: string, { options, ...request }: Partial<TrainRequest> = {}) =>
  train({ gpu, dataset, store: new RunFolder(at(name)), ...request, options: { ...OPTIONS, ...options } });

describe('an architecture of one’s own', () => {
  beforeAll(async () => {
    await run('whole', { options: { max_epochs: 40 } });
  });

  it('is trained, and beats popularity', async () => {
    const model = NeuralRecommender.on(gpu, loadCheckpoint(at('whole')));
    const { estimates } = await evaluate(model, dataset, 'test');
    const popular = metricsOf((await popularity(dataset).rank(dataset.test)).ranks);
    expect(model.name).toBe('Itemwise');
    expect(estimates['ndcg@10'].value).toBeGreaterThan(3 * popular['ndcg@10']);
    model.release();
  });

  it('is checkpointed under its own names, and resumed to the same bits', async () => {
    const { tensors, metadata } = readSafetensors(at('whole', 'best.safetensors'));
    expect([...tensors.keys()].sort()).toEqual(['answers', 'offset', 'scale', 'things']);
    expect(metadata.architecture).toBe('itemwise');
    expect(JSON.parse(metadata.config)).not.toHaveProperty('num_heads');
    await run('parts', { options: { max_steps: 50 } });
    await run('parts', { resume: true, options: { max_steps: 160, max_epochs: 40 } });
    const [parts, whole] = ['parts', 'whole'].map((name) => loadResumable(at(name)));
    expect(parts.weights).toEqual(whole.weights);
    expect(parts.slots).toEqual(whole.slots);
    expect(readConfigFile(at('whole', 'config.json')).options).toMatchObject({ model: 'itemwise', twofold: false });
  });

  it('is recommended from by the last token alone, as among all', async () => {
    const model = NeuralRecommender.on(gpu, loadCheckpoint(at('whole')));
    const [[one], [same]] = await model.top([[5, 9, 17], [17]], { top: 1, exclude: [5, 9] });
    expect(one).toEqual(same);
    expect(model.explain).toBeUndefined();
    model.release();
  });

  it('is reported on', async () => {
    const names = { items: { titles: new Map(), originals: new Map() } };
    const { rankings, examples } = await analyse(gpu, loadCheckpoint(at('whole')), { dataset }, names);
    expect(rankings.map(({ name }) => name)).toEqual([
      ...['Itemwise', 'popularity', 'first-order Markov counts', 'item-based nearest neighbours'],
    ]);
    expect(examples).toHaveLength(3);
  });

  it('starts another run by the roles of its rows, whatever they are called', () => {
    const from = loadCheckpoint(at('whole'));
    const isLimit = ([key]: [string, unknown]) => key === 'num_items' || optionTable('itemwise')[key].limit;
    const all = Object.fromEntries(Object.entries(from.config).filter((entry) => !isLimit(entry)));
    expect(inheritedOptions(from)).toEqual(all);
    expect(Object.keys(all)).not.toContain('max_steps');
    expect(all).toMatchObject({
      model: 'itemwise',
      sequence_length: 20,
      embedding_dim: 16,
      twofold: false,
    });
    const config = resolveConfig(250, [inheritedOptions(from), { seed: 7 }]);
    const grown = warmStart(from, config, 'old');
    const row = (name: string, item: number, of = grown) => [...of.get(name)!.data.subarray(16 * item, 16 * item + 16)];
    for (const name of ['things', 'answers']) {
      for (const item of [1, 240]) expect(row(name, item)).toEqual(row(name, item, from.weights));
      expect(row(name, 251)).toEqual(row(name, 241, from.weights)); // the padding's
      expect(row(name, 245).every(Number.isFinite)).toBe(true);
    }
    expect(grown.get('scale')!.data).toEqual(from.weights.get('scale')!.data);
    const other = resolveConfig(250, [inheritedOptions(from), { twofold: true } as Partial<TrainOptions>]);
    expect(() => warmStart(from, other, 'old')).toThrow('old: its twofold is false, but true was asked for');
    const gsasrec = resolveConfig(250, [{ embedding_dim: 16, num_heads: 1 }]);
    expect(() => warmStart(from, gsasrec, 'old')).toThrow('old: its model is itemwise, but gsasrec was asked for');
  });

  it('has its own options, and none of another’s', async () => {
    expect(configFlags().map(({ flags }) => flags)).toContain('--twofold [true|false]');
    expect(configFlags()[0].description).toContain(`one of ${builtIn.join(', ')}, itemwise`);
    const config = resolveConfig(10, [{ model: 'itemwise', twofold: true } as Partial<TrainOptions>]);
    expect(config).toMatchObject({ twofold: true, sequence_length: 200 });
    expect(Object.keys(config)).not.toContain('num_blocks');
    const layers = [PRESETS['gsasrec-ml1m'], { model: 'itemwise' }];
    expect((await planTraining({ dataset, options: layers })).config.model).toBe('itemwise');
    await expect(planTraining({ dataset, options: Object.assign({}, ...layers) })).rejects.toThrow(
      'options: num_heads is 1, but means nothing for the model itemwise',
    );
    const above = resolveConfig(10, [PRESETS['gsasrec-ml1m'], { model: 'itemwise' }]);
    expect(above).toMatchObject({ model: 'itemwise', embedding_dim: 128 });
    expect(Object.keys(above)).not.toContain('num_heads');
    const refused = (options: object, message: string) => {
      expect(() => resolveConfig(10, [options], 'x.yaml')).toThrow(InputError);
      expect(() => resolveConfig(10, [options], 'x.yaml')).toThrow(message);
    };
    refused(
      { model: 'itemwise', num_heads: 2 },
      'x.yaml: num_heads is 2, but means nothing for the model itemwise; leave it out, or set model to gsasrec or sasrec or esasrec or bert4rec',
    );
    refused(
      { twofold: true },
      'x.yaml: twofold is true, but means nothing for the model gsasrec; leave it out, or set model to itemwise',
    );
    refused({ model: 'itemwise', twofold: 1 }, 'x.yaml: twofold is 1; it must be true or false');
    refused({ model: 'nosuch' }, `x.yaml: model is "nosuch"; it must be one of ${builtIn.join(', ')}, itemwise`);
    refused(
      { model: 'itemwise', init_prior: true },
      'init_prior shifts the output table, so it cannot go with the model',
    );
    const saved = resolveConfig(10, [{ model: 'itemwise' }]);
    expect(() => resumeConfig(saved, { model: 'gsasrec' }, 'runs/a')).toThrow('runs/a: model is itemwise in this run');
  });

  it('trains its tables by rows, lazily too', async () => {
    const options = { table_updates: 'lazy', twofold: true, max_steps: 4 } as Partial<TrainOptions>;
    const { best } = await run('lazy', { options });
    const fresh = initialParameters(best!.config, { seed: 5, std: 0.02 });
    const seen = new Set(dataset.train.items);
    const rows = (name: string) => {
      const [before, after] = [fresh, best!.weights].map((weights) => weights.get(name)!.data);
      return Array.from({ length: 242 }, (_, row) =>
        before.slice(16 * row, 16 * row + 16).some((x, i) => x !== after[16 * row + i]),
      );
    };
    for (const name of ['things', 'others'])
      expect(rows(name).every((moved, row) => !moved || seen.has(row))).toBe(true);
    for (const name of ['things', 'others', 'answers']) expect(rows(name).filter(Boolean).length).toBeGreaterThan(100);
  });

  it('cannot be written as what it is not, and is refused where nobody knows it', async () => {
    expect(() => convert(at('whole'), at('model.onnx'))).toThrow('ONNX can be written of gsasrec, not of itemwise');
    writeDataset(at('data'), dataset);
    const { status, stderr } = await gsas(at(), 'evaluate', 'whole', '--data', 'data');
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: `error: whole/best.safetensors: holds a model of architecture "itemwise"; known here are ${builtIn.join(', ')}\n`,
    });
  });
});

describe('a model', () => {
  const config = resolveConfig(9, [{ ...OPTIONS, embedding_dim: 4 }]);

  it('says which weight is missing', () => {
    const weights = new Map(initialParameters(config, { seed: 1 }));
    weights.delete('answers');
    expect(() => new Model(stream, config, weights)).toThrow(
      new GsasError('the weights have no answers, which a model itemwise has as [11,4]'),
    );
  });

  it('has a name of its own', () => {
    expect(architectureNames()).toEqual([...builtIn, 'itemwise']);
    expect(() => registerArchitecture(itemwise)).toThrow('there is an architecture itemwise already');
  });

  it('is asked with what fits its window', async () => {
    const model = new Model(
      stream,
      resolveConfig(9, [{ ...OPTIONS, sequence_length: 2 }]),
      new Map(initialParameters(resolveConfig(9, [{ ...OPTIONS }]), { seed: 1 })),
    );
    const recommender = new NeuralRecommender(model);
    const split = { inputs: Sequences.from([[1, 2, 3, 4]]), targets: Uint32Array.of(9) };
    expect((await recommender.rank(split)).ranks[0]).toBeLessThanOrEqual(5);
    model.release();
  });
});
