import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { InputError } from '../src/base/errors.js';
import type { Choice } from '../src/base/options.js';
import { gbceBeta } from '../src/kernels/score/judges/gbce.js';
import { JUDGES } from '../src/kernels/score/judges/index.js';
import { NEGATIVES } from '../src/kernels/score/negatives/index.js';
import { RULES } from '../src/kernels/update/rules/index.js';
import { checkModelConfig, parameterShapes } from '../src/model/config.js';
import type { GsasrecConfig } from '../src/model/gsasrec.js';
import { readSafetensors } from '../src/store/safetensors.js';
import { checkOptions, optionTable, parseConfig, resolveConfig, resumeConfig } from '../src/train/config.js';
import { configFlags, parseFlag } from '../src/train/flags.js';
import { PRESETS, presetOptions } from '../src/train/presets.js';

const defaultsOf = (options: Choice['options']) =>
  Object.fromEntries(Object.entries(options).map(([key, option]) => [key, option.default]));

describe.each(['h1', 'h1_sasrec'])('the model of fixture %s', (name) => {
  const { tensors, metadata } = readSafetensors(`test/fixtures/${name}.safetensors`);
  const meta = JSON.parse(metadata.meta);

  it('has the official names and shapes, in the official order', () => {
    const config: GsasrecConfig = {
      model: 'gsasrec',
      num_items: meta.items,
      sequence_length: meta.seq,
      embedding_dim: meta.dim,
      num_heads: meta.heads,
      num_blocks: meta.blocks,
      dropout_rate: meta.dropout,
      reuse_item_embeddings: meta.reuse_item_embeddings,
    };
    const shapes = parameterShapes(config);
    expect([...shapes.keys()]).toEqual(meta.state_dict);
    for (const [parameter, shape] of shapes) expect(shape).toEqual(tensors.get(`param/${parameter}`)!.shape);
  });

  it('has the official beta', () => expect(gbceBeta(meta.negs, meta.items, meta.t)).toBe(meta.beta));
});

describe('gbceBeta', () => {
  it('equals the official code to the last bits', () => {
    const { rows } = JSON.parse(readFileSync('test/fixtures/gbce_table.json', 'utf8'));
    for (const { negs, items, t, beta } of rows) expect(gbceBeta(negs, items, t)).toBeCloseTo(beta, 14);
  });

  it('is 1 without calibration and alpha with all of it', () => {
    expect(gbceBeta(5, 101, 0)).toBeCloseTo(1, 15);
    expect(gbceBeta(5, 101, 1)).toBeCloseTo(0.05, 15);
  });
});

describe('checkModelConfig', () => {
  const good: GsasrecConfig = {
    model: 'gsasrec',
    num_items: 10,
    sequence_length: 5,
    embedding_dim: 8,
    num_heads: 2,
    num_blocks: 1,
    dropout_rate: 0,
    reuse_item_embeddings: true,
  };

  it('accepts a model and leaves its output table out when the input table is reused', () => {
    expect(() => checkModelConfig(good, 'x')).not.toThrow();
    expect(parameterShapes(good).has('output_embedding.weight')).toBe(false);
  });

  it.each<[Partial<Record<keyof GsasrecConfig, unknown>>, string]>([
    [{ num_items: 1 }, 'x.json: num_items is 1; it must be an integer, at least 2 and at most 2147483645'],
    [{ embedding_dim: 9 }, 'x.json: embedding_dim is 9; it must be a multiple of num_heads, which is 2'],
    [{ embedding_dim: 8.5 }, 'x.json: embedding_dim is 8.5; it must be an integer, at least 1'],
    [{ num_blocks: 129 }, 'x.json: num_blocks is 129; it must be an integer, at least 1 and at most 128'],
    [
      { sequence_length: 1e9 },
      'x.json: sequence_length is 1000000000; it must be an integer, at least 1 and at most 65536',
    ],
    [
      { embedding_dim: 8192, num_items: 1e6 },
      'x.json: embedding_dim is 8192, too many for 1000000 items: a table holds at most 4294967295 numbers',
    ],
    [{ num_heads: 0 }, 'x.json: num_heads is 0; it must be an integer, at least 1'],
    [{ dropout_rate: 1 }, 'x.json: dropout_rate is 1; it must be a number, at least 0 and below 1'],
    [{ dropout_rate: Number.NaN }, 'x.json: dropout_rate is NaN; it must be a number, at least 0 and below 1'],
    [{ reuse_item_embeddings: 'yes' }, 'x.json: reuse_item_embeddings is "yes"; it must be true or false'],
  ])('refuses %j', (change, message) => {
    const check = () => checkModelConfig({ ...good, ...(change as Partial<GsasrecConfig>) }, 'x.json');
    expect(check).toThrow(InputError);
    expect(check).toThrow(message);
  });
});

describe('options', () => {
  it('default to the official port’s defaults', () => {
    const registered = [JUDGES, NEGATIVES, RULES].flatMap((registry) => Object.values<Choice>(registry));
    expect(resolveConfig(57, [])).toEqual({
      ...Object.assign({}, ...registered.map(({ options }) => defaultsOf(options))),
      num_items: 57,
      model: 'gsasrec',
      sequence_length: 200,
      embedding_dim: 256,
      num_heads: 4,
      num_blocks: 3,
      dropout_rate: 0,
      reuse_item_embeddings: false,
      negs_per_pos: 256,
      gbce_t: 0.75,
      train_batch_size: 128,
      eval_batch_size: 512,
      lr: 0.001,
      loss: 'gbce',
      similarity: 'dot',
      temperature: 1,
      accumulate: 1,
      negatives: 'auto',
      optimizer: 'adam',
      adam_beta1: 0.9,
      adam_beta2: 0.999,
      adam_eps: 1e-8,
      table_updates: 'auto',
      clip_norm: null,
      on_nan: 'stop',
      init_std: 1,
      init_prior: false,
      seed: 42,
      max_batches_per_epoch: 100,
      max_epochs: 10000,
      max_steps: null,
      max_minutes: null,
      early_stopping_patience: 200,
      val_metric: 'ndcg@10',
      filter_rated: true,
    });
  });

  it('lets later layers win', () => {
    const flags = checkOptions({ lr: 0.01, seed: undefined }, 'flags');
    const config = resolveConfig(57, [presetOptions('quick'), flags]);
    expect([config.lr, config.negs_per_pos, config.seed, config.eval_batch_size]).toEqual([0.01, 32, 42, 512]);
  });

  it('holds presets that are valid', () => {
    for (const [name, options] of Object.entries(PRESETS)) expect(checkOptions(options, name)).toEqual(options);
  });

  it.each<[unknown, string]>([
    [{ negs_per_po: 3 }, 'my.json: unknown key "negs_per_po"; did you mean negs_per_pos?'],
    [{ 'Num-Heads': 3 }, 'my.json: unknown key "Num-Heads"; did you mean num_heads?'],
    [{ humidity: 3 }, 'my.json: unknown key "humidity"; known are model, sequence_length, embedding_dim'],
    [{ constructor: 3 }, 'my.json: unknown key "constructor"; known are'],
    [{ lr: 0 }, 'my.json: lr is 0; it must be a number, above 0'],
    [{ lr: '0.1' }, 'my.json: lr is "0.1"; it must be a number, above 0'],
    [{ lr: null }, 'my.json: lr is null; it must be a number, above 0'],
    [
      { max_steps: 0 },
      'my.json: max_steps is 0; it must be an integer, at least 1 and at most 1000000000, or none for no limit',
    ],
    [{ val_metric: 'mrr' }, 'my.json: val_metric is "mrr"; it must be one of ndcg@10, recall@1, recall@10'],
    [{ seed: 2 ** 32 }, 'my.json: seed is 4294967296; it must be an integer, at least 0 and at most 4294967295'],
    [[1], 'my.json: a configuration is an object'],
    [null, 'my.json: a configuration is an object'],
  ])('refuses %j', (values, message) => {
    expect(() => checkOptions(values, 'my.json')).toThrow(InputError);
    expect(() => checkOptions(values, 'my.json')).toThrow(message);
  });

  it.each(Object.entries(optionTable()).filter(([, { type }]) => type === 'integer' || type === 'number'))(
    'bounds %s on both sides, so that nothing is built from a size that no machine has',
    (key, option) => {
      for (const value of [1e30, -1e30]) expect(() => checkOptions({ [key]: value }, 'my.json')).toThrow(InputError);
      if (option.type === 'integer')
        expect(() => checkOptions({ [key]: Number.MAX_SAFE_INTEGER }, 'my.json')).toThrow(InputError);
    },
  );

  it.each(Object.keys(PRESETS))('the preset %s is a configuration of a catalogue as large as MovieLens-1M', (name) => {
    expect(resolveConfig(3416, [presetOptions(name)])).toMatchObject(presetOptions(name));
  });

  it('refuses 3000 different negatives of a smaller catalogue', () => {
    expect(() => resolveConfig(2999, [presetOptions('sasrec-plus-3000')])).toThrow(
      'negs_per_pos is 3000, but without_replacement there are only 2999 items to draw',
    );
  });

  it('suggests a preset', () => {
    expect(() => presetOptions('gsasrec-m1m')).toThrow('unknown preset "gsasrec-m1m"; did you mean gsasrec-ml1m?');
    expect(() => presetOptions('toString')).toThrow(
      'known are gsasrec-ml1m, sasrec-ml1m, sasrec-plus, sasrec-plus-3000, quick, synthetic',
    );
  });

  it('fills in keys that a checkpoint did not know and refuses those that nobody knows', () => {
    const { lr: _, ...older } = resolveConfig(57, [PRESETS.quick]);
    expect(parseConfig(older, 'old')).toEqual({ ...older, lr: 0.001 });
    expect(() => parseConfig({ ...older, future: 1 }, 'new')).toThrow('new: unknown key "future"');
    expect(() => parseConfig({}, 'new')).toThrow('new: num_items is undefined; it must be an integer');
  });
});

describe('flags', () => {
  it('are one for each key, in kebab case, with range, default and the paper’s value', () => {
    const flags = configFlags();
    expect(flags.map(({ key }) => key)).toEqual(Object.keys(optionTable()));
    const help = new Map(flags.map(({ flags, description }) => [flags, description]));
    expect(help.get('--negs-per-pos <integer>')).toMatch(
      /\(an integer, at least 1 and at most 65536; default 256; the paper's ML-1M 256\)$/,
    );
    expect(help.get('--filter-rated [true|false]')).toMatch(/default true\)$/);
    expect(help.get('--max-minutes <number>')).toMatch(/default none\)$/);
  });

  it('parse to values of the key’s type', () => {
    expect(parseFlag('lr', '4e-3')).toBe(0.004);
    expect(parseFlag('max_steps', 'none')).toBe(null);
    expect(parseFlag('filter_rated', 'false')).toBe(false);
    expect(parseFlag('reuse_item_embeddings', true)).toBe(true);
    expect(parseFlag('val_metric', 'recall@10')).toBe('recall@10');
  });

  it.each([
    ['negs_per_pos', '12x', 'the command line: --negs-per-pos is "12x"; it must be an integer, at least 1'],
    ['negs_per_pos', '', '--negs-per-pos is ""'],
    ['negs_per_pos', 'none', '--negs-per-pos is null'],
    ['filter_rated', 'no', '--filter-rated is "no"; it must be true or false'],
  ] as const)('refuse --%s %s', (key, text, message) => {
    expect(() => parseFlag(key, text)).toThrow(message);
  });
});

describe('resumeConfig', () => {
  const saved = resolveConfig(57, [PRESETS.quick]);

  it('takes new limits and keeps the rest', () => {
    expect(resumeConfig(saved, {}, 'runs/a')).toEqual(saved);
    expect(resumeConfig(saved, { max_steps: 900, lr: saved.lr }, 'runs/a')).toEqual({ ...saved, max_steps: 900 });
  });

  it('refuses what would make another run of it, naming both values', () => {
    expect(() => resumeConfig(saved, { negs_per_pos: 64 }, 'runs/a')).toThrow(InputError);
    expect(() => resumeConfig(saved, { negs_per_pos: 64 }, 'runs/a')).toThrow(
      'runs/a: negs_per_pos is 32 in this run but 64 was asked for; leave it out to resume, or start another run with --out',
    );
    expect(() => resumeConfig(saved, { num_items: 58 }, 'runs/a')).toThrow(
      'runs/a: num_items is 57 in this run but 58 was asked for; resume with the same data',
    );
  });
});
