import { InputError } from '../base/errors.js';
import {
  checkValue,
  describeDomain,
  type Option,
  type OptionValue,
  parseValue,
  unknownName,
  type Values,
} from '../base/options.js';
import { RULES } from '../kernels/update/rules/index.js';
import { checkModelConfig, MODEL_OPTIONS } from '../model/config.js';

/** Random streams are numbered by step and by epoch, each in half of 32 bits. */
const MOST_COUNT = 1e9;

/**
 * Every key of a training configuration. Flags, validation, help and the TrainOptions type are derived from this table.
 * Where the official port has the key (GSASRecExperimentConfig in its config.py), the name and the default are its own.
 */
export const OPTIONS = {
  ...MODEL_OPTIONS,
  negs_per_pos: { type: 'integer', default: 256, min: 1, max: 65536, help: 'negatives k sampled for each positive' },
  gbce_t: {
    type: 'number',
    default: 0.75,
    min: 0,
    max: 1,
    help: 'calibration t of the gBCE loss: 0 is plain BCE, 1 gives calibrated probabilities, as long as they are small',
  },
  train_batch_size: { type: 'integer', default: 128, min: 1, max: 65536, help: 'sequences in a training batch' },
  eval_batch_size: { type: 'integer', default: 512, min: 1, max: 65536, help: 'sequences in an evaluation batch' },
  optimizer: {
    type: 'choice',
    default: 'adam',
    choices: Object.keys(RULES),
    help: 'rule by which parameters move: adam, or sgd without momentum',
  },
  lr: { type: 'number', default: 1e-3, above: 0, max: 100, help: 'learning rate' },
  table_updates: {
    type: 'choice',
    default: 'auto',
    choices: ['auto', 'dense', 'lazy'],
    help: 'updates of the item tables: dense moves all rows at every step as the official code does, lazy only those of items in the batch or among its negatives, auto is lazy above 100000 items',
  },
  init_std: {
    type: 'number',
    default: 1,
    above: 0,
    max: 100,
    help: "standard deviation of the embedding tables at the start; 0.02 learns much sooner than PyTorch's 1",
  },
  init_prior: {
    type: 'boolean',
    default: false,
    help: 'start all scores at ln(beta / k), the best constant under gBCE, so that learning starts at once',
  },
  seed: {
    type: 'integer',
    default: 42,
    min: 0,
    max: 2 ** 32 - 1,
    help: 'seed of the weights, batches, negatives and dropout',
  },
  max_batches_per_epoch: {
    type: 'integer',
    default: 100,
    min: 1,
    max: MOST_COUNT,
    help: 'training batches between two validations',
  },
  max_epochs: {
    type: 'integer',
    default: 10000,
    min: 1,
    max: MOST_COUNT,
    limit: true,
    help: 'stop after this many epochs',
  },
  max_steps: {
    type: 'integer',
    default: null,
    min: 1,
    max: MOST_COUNT,
    optional: true,
    limit: true,
    help: 'stop after this many training steps',
  },
  max_minutes: {
    type: 'number',
    default: null,
    above: 0,
    max: MOST_COUNT,
    optional: true,
    limit: true,
    help: 'stop after this many minutes; --resume counts anew',
  },
  early_stopping_patience: {
    type: 'integer',
    default: 200,
    min: 1,
    max: MOST_COUNT,
    limit: true,
    help: 'stop after this many epochs without a better val_metric',
  },
  val_metric: {
    type: 'choice',
    default: 'ndcg@10',
    choices: ['ndcg@10', 'recall@1', 'recall@10'],
    help: 'validation metric that picks the best checkpoint',
  },
  filter_rated: { type: 'boolean', default: true, help: 'leave items of the history out of the ranking' },
} as const satisfies Record<string, Option>;

/**
 * The options of a training run, under the official port's names.
 * @interface
 */
export type TrainOptions = Values<typeof OPTIONS>;
type Key = keyof TrainOptions;

/** A complete configuration: every option and the size of the catalogue, which comes from the data. @interface */
export type TrainConfig = TrainOptions & { num_items: number };

const table: Readonly<Record<string, Option>> = OPTIONS;

/** Catalogues up to this size are trained as the official code trains them. */
const DENSE_ITEMS = 100_000;

/** Whether only the rows of the item tables move that a step's gradient names, see `updateRows`. */
export function updatesLazily({ table_updates, num_items }: Pick<TrainConfig, 'table_updates' | 'num_items'>): boolean {
  return table_updates === 'auto' ? num_items > DENSE_ITEMS : table_updates === 'lazy';
}

/** Named settings; keys they leave out keep their defaults. */
export const PRESETS = {
  /** The official port's config_ml1m.py: NDCG@10 .1726 on MovieLens-1M's test split. */
  'gsasrec-ml1m': {
    sequence_length: 200,
    embedding_dim: 128,
    num_heads: 1,
    num_blocks: 2,
    dropout_rate: 0.5,
    negs_per_pos: 256,
    gbce_t: 0.75,
    max_batches_per_epoch: 100,
  },
  /** The official port's config_ml1m_sasrec.py: one negative and t = 0 make gBCE the BCE of SASRec. */
  'sasrec-ml1m': {
    sequence_length: 200,
    embedding_dim: 128,
    num_heads: 1,
    num_blocks: 2,
    dropout_rate: 0.5,
    negs_per_pos: 1,
    gbce_t: 0,
    max_batches_per_epoch: 100,
    reuse_item_embeddings: false,
  },
  /** A model of MovieLens-1M that has learnt something after minutes on two CPU cores. */
  quick: {
    sequence_length: 50,
    embedding_dim: 64,
    num_heads: 1,
    num_blocks: 2,
    dropout_rate: 0.2,
    negs_per_pos: 32,
    gbce_t: 0.75,
    train_batch_size: 64,
    lr: 4e-3,
    init_std: 0.02,
    init_prior: true,
    max_batches_per_epoch: 100,
    early_stopping_patience: 12,
    max_minutes: 30,
  },
  /** For the synthetic catalogue that trains when no data is named. */
  synthetic: {
    sequence_length: 50,
    embedding_dim: 64,
    num_heads: 1,
    num_blocks: 2,
    dropout_rate: 0.3,
    negs_per_pos: 32,
    gbce_t: 0.75,
    train_batch_size: 64,
    lr: 3e-3,
    init_std: 0.02,
    init_prior: true,
    early_stopping_patience: 4,
    max_minutes: 2.5,
  },
} as const satisfies Record<string, Partial<TrainOptions>>;

/** What each preset is for, in a phrase. */
export const PRESET_USES: Readonly<Record<keyof typeof PRESETS, string>> = {
  'gsasrec-ml1m': "the paper's gSASRec of MovieLens-1M at full size",
  'sasrec-ml1m': 'the SASRec that it is compared with, of one negative and plain BCE',
  quick: 'a smaller model for data of your own, which learns in minutes on CPU cores',
  synthetic: 'for the embedded catalogue, the default where no data is named',
};

/** The options of a preset. Throws an InputError that suggests the nearest name when there is none of that name. */
export function presetOptions(name: string): Partial<TrainOptions> {
  if (!Object.hasOwn(PRESETS, name)) {
    throw unknownName('preset', name, Object.keys(PRESETS));
  }
  return { ...PRESETS[name as keyof typeof PRESETS] };
}

/**
 * Options out of anything: a parsed file, a library caller's object. A key that is undefined counts as not given.
 * Throws an InputError that names the source and the key, with the nearest known key for one that is unknown.
 */
export function checkOptions(values: unknown, source: string): Partial<TrainOptions> {
  if (typeof values !== 'object' || values === null || Array.isArray(values)) {
    throw new InputError(`${source}: a configuration is an object of keys and values, such as {"lr": 0.001}`);
  }
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  for (const [key, value] of given) {
    if (!Object.hasOwn(table, key)) throw unknownName('key', key, Object.keys(table), source);
    checkValue(key, value, table[key], source);
  }
  return Object.fromEntries(given);
}

/**
 * Defaults, overlaid by each layer in turn (preset, file, flags), for a catalogue of `numItems` items. Checked as a
 * whole; `source` is what an InputError names.
 */
export function resolveConfig(
  numItems: number,
  layers: readonly Partial<TrainOptions>[],
  source = 'the configuration',
): TrainConfig {
  const defaults = Object.fromEntries(Object.entries(table).map(([key, option]) => [key, option.default]));
  const options = Object.assign(defaults, ...layers.map((layer) => checkOptions(layer, source))) as TrainOptions;
  const config = { ...options, num_items: numItems };
  checkModelConfig(config, source);
  if (config.init_prior && config.reuse_item_embeddings) {
    throw new InputError(
      `${source}: init_prior shifts the output table, so it cannot go with reuse_item_embeddings; set one of them to false`,
    );
  }
  return config;
}

/** A configuration as a checkpoint holds it. Keys that did not exist when it was written get their defaults. */
export function parseConfig(values: unknown, source: string): TrainConfig {
  const { num_items, ...options } = Object(values) as TrainConfig;
  return resolveConfig(num_items, [options], source);
}

/**
 * The configuration with which `run` goes on: the saved one, with the limits that were given now. Whatever else was
 * given must equal what the run was started with; an InputError names the key and both values.
 */
export function resumeConfig(saved: TrainConfig, given: Partial<TrainConfig>, run: string): TrainConfig {
  const config: TrainConfig = { ...saved };
  for (const [key, value] of Object.entries(given) as [keyof TrainConfig, OptionValue][]) {
    if (value === saved[key]) continue;
    if (table[key]?.limit) Object.assign(config, { [key]: value });
    else {
      const what = key === 'num_items' ? 'resume with the same data' : 'leave it out to resume';
      throw new InputError(
        `${run}: ${key} is ${saved[key]} in this run but ${value} was asked for; ${what}, or start another run with --out`,
      );
    }
  }
  return config;
}

/** One command line flag for each key, in the table's order: the same word in kebab case. */
export function configFlags(): { key: Key; flags: string; description: string }[] {
  const paper: Partial<TrainOptions> = PRESETS['gsasrec-ml1m'];
  return (Object.keys(OPTIONS) as Key[]).map((key) => {
    const option = table[key];
    const shown = { integer: '<integer>', number: '<number>', boolean: '[true|false]', choice: '<name>' }[option.type];
    const facts = [describeDomain(option), `default ${option.default ?? 'none'}`];
    if (paper[key] !== undefined) facts.push(`the paper's ML-1M ${paper[key]}`);
    return {
      key,
      flags: `${flagName(key)} ${shown}`,
      description: `${option.help} (${facts.join('; ')})`,
    };
  });
}

/** The value of a flag from its text. A boolean's flag may stand alone, which a parser hands on as true. */
export function parseFlag(key: Key, text: string | true): OptionValue {
  return parseValue(flagName(key), String(text), table[key], 'the command line');
}

function flagName(key: Key): string {
  return `--${key.replaceAll('_', '-')}`;
}
