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
import { objectiveOf } from '../src/train/objective.js';
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

/** Negatives with this option. */
const having = (option: string) =>
  Object.values<Choice>(NEGATIVES)
    .filter(({ options }) => Object.hasOwn(options, option))
    .map(({ name }) => name);

describe('options', () => {
  it('of another loss are refused beside the loss, and left at their defaults below it', () => {
    expect(() => resolveConfig(57, [{ loss: 'ssm', gbce_t: 0.5 }], 'the command line')).toThrow(
      new InputError(
        'the command line: gbce_t is 0.5, but means nothing for the loss ssm; leave it out, or set loss to gbce',
      ),
    );
    expect(() => resolveConfig(57, [{ loss: 'ssm' }, { gbce_t: 0.5 }])).toThrow(/means nothing for the loss ssm/);
    expect(resolveConfig(57, [{ gbce_t: 0.5 }, { loss: 'ssm' }])).toMatchObject({ loss: 'ssm', gbce_t: 0.75 });
    expect(() => resolveConfig(57, [{ negatives: 'catalogue', negs_per_pos: 9 }], 'x')).toThrow(
      new InputError(
        `x: negs_per_pos is 9, but means nothing for the negatives catalogue; leave it out, or set negatives to ${having('negs_per_pos').join(' or ')}`,
      ),
    );
    expect(() => resolveConfig(57, [{ loss: 'ce', negs_per_pos: 9 }])).toThrow(
      /means nothing for the negatives catalogue/,
    );
    expect(resolveConfig(57, [{ negs_per_pos: 9 }, { loss: 'ce' }])).toMatchObject({
      negs_per_pos: 256,
      negatives: 'auto',
    });
    const saved = resolveConfig(57, [{ loss: 'ssm' }]);
    expect(parseConfig(saved, 'a checkpoint')).toEqual(saved);
  });

  it('of another optimizer are refused likewise, and those that several have are no one’s alone', () => {
    expect(() => resolveConfig(57, [{ optimizer: 'sgd', adam_beta2: 0.98 }], 'x.yaml')).toThrow(
      new InputError(
        'x.yaml: adam_beta2 is 0.98, but means nothing for the optimizer sgd; leave it out, or set optimizer to adam',
      ),
    );
    expect(resolveConfig(57, [{ adam_beta2: 0.98 }, { optimizer: 'sgd', lr: 0.1 }])).toMatchObject({
      lr: 0.1,
      adam_beta2: 0.999,
    });
  });

  it('of how scores are corrected go with some losses and some negatives', () => {
    const log_q = 'standard';
    expect(resolveConfig(57, [{ loss: 'ssm', log_q }])).toMatchObject({ log_q });
    expect(resolveConfig(57, [{ loss: 'ssm', log_q }, { loss: 'bpr' }])).toMatchObject({ log_q: 'none' });
    for (const [options, message] of [
      [
        { loss: 'bce', log_q: 'corrected' },
        'log_q corrected does not go with the loss bce: it judges each score alone, so there is no denominator that the positive could be left out of; set log_q to standard or none',
      ],
      [{ log_q }, 'log_q is standard, but means nothing for the loss gbce; leave it out, or set loss to bce or ssm'],
      [
        { loss: 'ssm', negatives: 'catalogue', log_q },
        `log_q is standard, but means nothing for the negatives catalogue; leave it out, or set negatives to ${having('log_q').join(' or ')}`,
      ],
    ] as const) {
      expect(() => resolveConfig(57, [options], 'x')).toThrow(new InputError(`x: ${message}`));
    }
  });

  it('ask for no more of the hardest negatives than are drawn', () => {
    const options = { negatives: 'hardest', negs_per_pos: 16 };
    expect(resolveConfig(57, [{ ...options, hardest: 16 }])).toMatchObject({ hardest: 16 });
    expect(() => resolveConfig(57, [{ ...options, hardest: 17 }], 'x')).toThrow(
      new InputError(
        'x: hardest is 17, more than the negs_per_pos 16 that they are chosen from; take fewer, or raise negs_per_pos',
      ),
    );
    expect(() => resolveConfig(57, [{ ...options, loss: 'ssm', log_q: 'corrected' }], 'x')).toThrow(
      /^x: log_q is corrected, but means nothing for the negatives hardest; /,
    );
    expect(() => resolveConfig(57, [{ hardest: 3 }], 'x')).toThrow(
      new InputError(
        'x: hardest is 3, but means nothing for the negatives uniform; leave it out, or set negatives to hardest',
      ),
    );
  });

  it('refuse the correction for positives that are never drawn', () => {
    expect(() => resolveConfig(57, [{ loss: 'ssm', negatives: 'uniform-reject', log_q: 'standard' }], 'x')).toThrow(
      new InputError(
        "x: log_q standard does not go with the negatives uniform-reject: the positive is one of the user's own items, which are never drawn, so that it has no log q; set log_q to corrected or none",
      ),
    );
  });

  it('that several losses, samplers or optimizers have are one option', () => {
    for (const registry of [JUDGES, NEGATIVES, RULES]) {
      const entries = Object.values<Choice>(registry).flatMap(({ options }) => Object.entries(options));
      for (const [key, option] of entries) expect([key, option]).toEqual([key, optionTable()[key]]);
    }
  });

  it('that choose say what each choice is', () => {
    expect(optionTable().optimizer.help).toMatch(/^rule by which parameters move: adam is .*; sgd is /);
    const registries = { loss: JUDGES, negatives: { auto: undefined, ...NEGATIVES }, optimizer: RULES };
    for (const [key, registry] of Object.entries(registries)) {
      expect(optionTable()[key]).toMatchObject({ type: 'choice', choices: Object.keys(registry) });
    }
  });

  it('ask for negatives that the loss takes', () => {
    expect(() => resolveConfig(57, [{ loss: 'ce', negatives: 'uniform' }], 'x')).toThrow(
      new InputError('x: the loss ce takes the negatives catalogue, not uniform; leave one of them out'),
    );
    expect(resolveConfig(57, [{ negatives: 'uniform' }, { loss: 'ce' }])).toMatchObject({ negatives: 'auto' });
    expect(resolveConfig(57, [{ loss: 'ce', negatives: 'catalogue' }])).toMatchObject({ negatives: 'catalogue' });
    const counts = [{ loss: 'ssm', negatives: 'catalogue' }, { loss: 'gbce' }, { loss: 'ce' }].map((options) => {
      const config = resolveConfig(57, [options]);
      return objectiveOf(config).negatives.count(config, 57);
    });
    expect(counts).toEqual([56, 256, 56]);
  });

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
