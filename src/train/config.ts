import { InputError } from '../base/errors.js';
import { checkValue, choiceOf, type Option, type OptionValue, unknownName, type Values } from '../base/options.js';
import { JUDGE_OPTIONS, JUDGES } from '../kernels/score/judges/index.js';
import { NEGATIVES, NEGATIVES_OPTIONS, negativesFor } from '../kernels/score/negatives/index.js';
import { isUnit, SCORE_OPTIONS } from '../kernels/score/similarity.js';
import { RULE_OPTIONS, RULES } from '../kernels/update/rules/index.js';
import { checkModelConfig } from '../model/config.js';
import { allArchitectures, architectureOf, DEFAULT_MODEL, type ModelOptions, modelOptions } from '../model/registry.js';
import { AUTO, type Choices, foreignOptions } from './choices.js';
import { checkLogQ, checkNegatives } from './chosen.js';

/** Random streams are numbered by step and by epoch, each within half of the 32-bit range. */
const MOST_COUNT = 1e9;

/** Negatives that follow from the loss. */
const FOLLOWING = { name: AUTO, help: 'what the loss is for, else uniform', options: {} };

/** Which architecture to train. Computed at each call, because a program may register more. */
const modelOption = () =>
  ({ ...choiceOf('architecture of the model', allArchitectures(), DEFAULT_MODEL), fixed: true }) as const;

/**
 * Every key that all architectures share. If the official port has the key (GSASRecExperimentConfig in its config.py), name and default are the
 * port's.
 */
const TRAINING_OPTIONS = {
  loss: choiceOf('how scores are judged', JUDGES, 'gbce'),
  negatives: choiceOf('items that a positive is compared with', { [AUTO]: FOLLOWING, ...NEGATIVES }, AUTO),
  ...NEGATIVES_OPTIONS,
  ...JUDGE_OPTIONS,
  ...SCORE_OPTIONS,
  train_batch_size: { type: 'integer', default: 128, min: 1, max: 65536, help: 'sequences in a training batch' },
  accumulate: {
    type: 'integer',
    default: 1,
    min: 1,
    max: 1024,
    help: 'batches whose gradients a step adds up: it learns as from a batch so many times larger, in the memory of one',
  },
  eval_batch_size: { type: 'integer', default: 512, min: 1, max: 65536, help: 'sequences in an evaluation batch' },
  optimizer: choiceOf('rule by which parameters move', RULES, 'adam'),
  ...RULE_OPTIONS,
  table_updates: {
    type: 'choice',
    default: 'auto',
    choices: ['auto', 'dense', 'lazy'],
    help: 'updates of the item tables: dense moves all rows at every step as the official code does, lazy only those of items in the batch or among its negatives, auto is lazy above 100000 items',
  },
  clip_norm: {
    type: 'number',
    default: null,
    above: 0,
    max: 1e9,
    optional: true,
    help: 'scale the gradients of a step down to this norm, taken over all parameters',
  },
  on_nan: {
    type: 'choice',
    default: 'stop',
    choices: ['stop', 'skip'],
    limit: true,
    help: 'what a step does whose loss or gradient is NaN or infinite: stop ends the run, skip leaves the step out',
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

/** Keys that choose something with options of its own. */
const choices = (): Readonly<Record<string, Choices>> => ({
  model: { standard: DEFAULT_MODEL, choices: allArchitectures() },
  loss: { standard: TRAINING_OPTIONS.loss.default, choices: JUDGES },
  negatives: {
    standard: TRAINING_OPTIONS.negatives.default,
    choices: NEGATIVES,
    follows: { key: 'loss', of: (loss) => negativesFor(JUDGES[loss]) },
  },
  optimizer: { standard: TRAINING_OPTIONS.optimizer.default, choices: RULES },
});

/**
 * The options of a training run, under the official port's names. Of model options, a configuration holds only those of its own `model`.
 * @interface
 */
export type TrainOptions = { model: string } & ModelOptions & Values<typeof TRAINING_OPTIONS>;

/** A complete configuration: every option and the size of the catalogue, which comes from the data. @interface */
export type TrainConfig = TrainOptions & { num_items: number };

/**
 * The table of options, from which flags, validation, help and the TrainOptions type are derived.
 * @param model the architecture whose options are wanted; all architectures if left out
 */
export function optionTable(model?: string): Record<string, Option> {
  const own = model === undefined ? modelOptions() : architectureOf({ model }).options;
  return { model: modelOption(), ...own, ...TRAINING_OPTIONS };
}

/** The defaults of the training options. */
export const OPTION_DEFAULTS = Object.fromEntries(
  Object.entries(TRAINING_OPTIONS).map(([key, option]) => [key, option.default]),
) as Values<typeof TRAINING_OPTIONS>;

/** Up to this size, `auto` updates item tables densely, as the official code does. */
const DENSE_ITEMS = 100_000;

/** Whether a step updates only the rows of the item tables that it has gradients for, see `updateRows`. */
export function updatesLazily({ table_updates, num_items }: Pick<TrainConfig, 'table_updates' | 'num_items'>): boolean {
  return table_updates === 'auto' ? num_items > DENSE_ITEMS : table_updates === 'lazy';
}

/**
 * Options from any value, such as a parsed file or a caller's object. An undefined value counts as not given.
 * Throws an InputError that names the source and the key; for an unknown key also the nearest known one.
 */
export function checkOptions(values: unknown, source: string): Partial<TrainOptions> {
  if (typeof values !== 'object' || values === null || Array.isArray(values)) {
    throw new InputError(`${source}: a configuration is an object of keys and values, such as {"lr": 0.001}`);
  }
  const table = optionTable();
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
  const checked = withRecommended(layers.map((layer) => checkOptions(layer, source)));
  const given: Partial<TrainOptions> = Object.assign({}, ...checked);
  for (const key of foreignOptions(checked, choices(), source)) delete given[key as keyof TrainOptions];
  const table = optionTable(given.model ?? DEFAULT_MODEL);
  const defaults = Object.fromEntries(Object.entries(table).map(([key, option]) => [key, option.default]));
  const config = { ...defaults, ...given, num_items: numItems } as TrainConfig;
  checkModelConfig(config, source);
  if (config.init_prior) checkPrior(config, source);
  checkNegatives(config, source);
  checkLogQ(config, source);
  return config;
}

/** What the model recommends, laid under the lowest layer from which on it is the model. */
function withRecommended(layers: readonly Partial<TrainOptions>[]): Partial<TrainOptions>[] {
  const model = layers.findLast((layer) => layer.model !== undefined)?.model ?? DEFAULT_MODEL;
  const other = layers.findLastIndex((layer) => layer.model !== undefined && layer.model !== model);
  const chosen = layers.findIndex((layer, i) => i > other && layer.model !== undefined);
  const at = Math.max(0, chosen);
  return [...layers.slice(0, at), { ...architectureOf({ model }).recommended }, ...layers.slice(at)];
}

/** A starting score needs a separate output table and the length of its rows, see `initialParameters`. */
function checkPrior(config: TrainConfig, source: string): void {
  if (isUnit(config)) {
    throw new InputError(
      `${source}: init_prior starts scores at a number below -1, which the similarity ${config.similarity} cannot; set it to false`,
    );
  }
  const architecture = architectureOf(config);
  const table = architecture.parameters(config).get(architecture.outputTable(config));
  if (table?.initialiser.shifted) return;
  const wrong = config.reuse_item_embeddings
    ? 'reuse_item_embeddings; set one of them to false'
    : `the model ${config.model}`;
  throw new InputError(`${source}: init_prior shifts the output table, so it cannot go with ${wrong}`);
}

/** Whether a step's gradients are measured before they move anything. */
export function measuresGradients({ clip_norm, on_nan }: Pick<TrainConfig, 'clip_norm' | 'on_nan'>): boolean {
  return clip_norm !== null || on_nan === 'skip';
}

/** A configuration as a checkpoint holds it. Keys that did not exist when it was written get their defaults. */
export function parseConfig(values: unknown, source: string): TrainConfig {
  const { num_items, ...options } = Object(values) as TrainConfig;
  return resolveConfig(num_items, [options], source);
}

/**
 * The configuration that a resumed `run` uses: the saved one with the new limits. Every other given option must equal the saved one; otherwise an
 * InputError names the key and both values.
 */
export function resumeConfig(saved: TrainConfig, given: Partial<TrainConfig>, run: string): TrainConfig {
  const table = optionTable();
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
