import type { Choice, OptionValue, Values } from '../base/options.js';
import type { Task } from '../data/batches.js';
import type { Tape } from '../engine/tape.js';
import type { Tensor } from '../engine/tensor.js';
import type { ScoreConfig } from '../kernels/score/similarity.js';
import type { Initialiser } from './initialisers.js';
import type { COMMON_OPTIONS } from './options.js';

/**
 * What fixes a model's shape: its architecture's name, the size of the catalogue, the options that all architectures share, and what
 * makes scores of what it computes.
 * Items are 1..num_items. @interface
 */
export type ModelConfig = Values<typeof COMMON_OPTIONS> &
  ScoreConfig & {
    /** The architecture's name. */
    model: string;
    num_items: number;
  };

/**
 * What a row of a table stands for. Gradients of `items` and `users` are kept by rows. A warm start moves rows to the new place of their item or
 * position.
 */
export type RowRole = 'items' | 'users' | 'positions';

/** A parameter as an architecture declares it. */
export interface ParameterSpec {
  /** A table of items is [N + 2, D]: row i is item i, rows 0 and N + 1 are no items. */
  readonly shape: readonly number[];
  readonly initialiser: Initialiser;
  /** Left out if rows stand for nothing in the data. */
  readonly rows?: RowRole;
}

/** The sequences of a batch on the GPU, laid end to end without padding. */
export interface SequenceTensors {
  /** [T] u32 item ids */
  readonly ids: Tensor;
  /** [T, 2] u32: for each token the half-open range of its sequence's tokens */
  readonly spans: Tensor;
}

/** The sequences' last tokens, for when only the next item is wanted. */
export interface LastTokens {
  /** [Q] u32 indices of the tokens */
  readonly tokens: Tensor;
  /** [Q, 2] u32 their sequences */
  readonly spans: Tensor;
}

/** A model as its architecture sees it. */
export interface Network<Config extends ModelConfig = ModelConfig> {
  readonly config: Config;
  /** A parameter on the GPU by its name. */
  parameter(name: string): Tensor;
}

/** How to encode a batch. */
export interface EncodeOptions {
  /** 0 outside training. */
  readonly dropoutRate: number;
  /** Compute only these tokens' hidden states. Forward only. */
  readonly last?: LastTokens | undefined;
}

/**
 * A family of models: everything that training, evaluation, checkpoints and the command line need to know about it. Adding one takes a file that
 * declares such an object, and a line in the registry. `name` is the value of the configuration key `model`; `options` include those that
 * all architectures share, and a key that several have means the same in each.
 */
export interface Architecture<Config extends ModelConfig = ModelConfig> extends Choice {
  /** Its name in tables and reports. */
  readonly title: string;
  /**
   * Options of training under which it was published, such as its loss. They overrule those of a preset, and yield to any that are given together with the
   * model.
   */
  readonly recommended?: Readonly<Record<string, OptionValue>>;
  /** What it learns from sequences. Makes its batches. */
  task(config: Config): Task;
  /** Checks options against each other; each one alone has been checked already. @throws InputError naming `source`, the key and the values */
  check?(config: Config, source: string): void;
  /** Every parameter by name, in the order of the state dict, which also numbers their random streams. */
  parameters(config: Config): Map<string, ParameterSpec>;
  /** The parameter [N + 2, D] of which, with a hidden state, the items' scores are made. */
  outputTable(config: Config): string;
  /**
   * The hidden state of every token. Dropout sites count from 1; site 0 belongs to the loss.
   * @returns [T, D], with `last` [Q, D]
   */
  encode(tape: Tape, network: Network<Config>, batch: SequenceTensors, options: EncodeOptions): Tensor;
  /**
   * How much each token of a sequence counts for its last token's hidden state. Left out if the architecture has no such weights.
   * @returns [H, T] for each head, weights that sum to 1 over each sequence
   */
  attention?(tape: Tape, network: Network<Config>, batch: SequenceTensors, last: LastTokens): Tensor;
}
