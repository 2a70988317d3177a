import { GsasError, InputError } from '../../base/errors.js';
import { type NumericChoice, type Settings, settingsOf } from '../../base/options.js';
import type { RandomState } from '../../engine/random.js';
import type { Stream } from '../../engine/stream.js';
import type { Tensor } from '../../engine/tensor.js';
import type { Corrections } from './log-q.js';

/** Where a token's own candidates come from. A kernel asks for four at a time through the sampler's WGSL, and stores them only if it must. */
export interface Sampler {
  readonly name: string;
  /** Fields of `struct Params` that `wgsl` reads. */
  readonly params: string;
  /**
   * WGSL: at most one storage binding, at number `binding`, and `candidates4(t, quad) -> vec4u`, the ids in slots 4 quad … 4 quad + 3 of the part's
   * token t. Slots from `params.k` on hold any id of the table.
   */
  wgsl(binding: number): string;
  /** WGSL, to stand after `wgsl`: `log_q_of(t, id) -> f32`, the log of the probability that a draw for the part's token t is the item `id`. */
  readonly logQ?: string;
  /** Some items are likelier to be drawn than others. */
  readonly varies?: true;
}

/** A sampler that a configuration can name: its ids are a function of the random state, so that any kernel can draw them again. */
export interface DrawingSampler extends Sampler, NumericChoice {
  /** What it draws, with its source. */
  readonly formula: string;
  /** The corrections of scores by log q that make sense with its draws. */
  readonly corrections: Corrections;
  readonly logQ: string;
  /** What its WGSL binds as `source`, an array<u32>, if it draws by more than N. */
  readonly source?: CountSource | HistorySource;
  /** The numbers that its WGSL reads, by name. */
  args(random: RandomState, numItems: number, settings: Settings): Record<string, number>;
  /** The same ids drawn on the host. @param source the words of its source @returns [T, k] */
  reference(
    random: RandomState,
    shape: { T: number; k: number; numItems: number },
    settings: Settings,
    source?: Uint32Array,
  ): Uint32Array;
  /** `log_q_of` on the host. */
  logQOf(t: number, id: number, numItems: number, source?: Uint32Array): number;
}

/** A source that is the same at every step of a run. */
export interface CountSource {
  readonly from: 'counts';
  words(counts: ItemCounts, settings: Settings): Uint32Array;
}

/** A source that differs between the parts of a batch. */
export interface HistorySource {
  readonly from: 'histories';
  /** @throws InputError if a sequence leaves nothing to draw */
  words(rows: SequenceRows, numItems: number): Uint32Array;
}

/** The sequences of a part of a batch, T tokens, B rows. */
export interface SequenceRows {
  /** [2T] for each token the half-open range of its row's tokens */
  readonly spans: ArrayLike<number>;
  /** [B] all items of each row's user, in any order; an item may repeat */
  readonly histories: readonly Uint32Array[];
}

/** [N + 1] how often each item is a training target; entry 0 is unused. */
export type ItemCounts = Float64Array;

/** k candidates for each token: a sampler with its arguments. */
export interface Candidates {
  readonly sampler: Sampler;
  readonly k: number;
  /** What the sampler's WGSL binds and reads, by name. */
  args(random: RandomState): Record<string, Tensor | number>;
}

/**
 * k candidates for each token, drawn by a sampler under the stream's random state.
 * @param source the sampler's, on the device, if it has one
 */
export function drawnCandidates(
  sampler: DrawingSampler,
  k: number,
  numItems: number,
  { settings = settingsOf(sampler), source }: { settings?: Settings; source?: Tensor | undefined } = {},
): Candidates {
  const bound = source && { source };
  return { sampler, k, args: (random) => ({ ...bound, ...sampler.args(random, numItems, settings) }) };
}

/**
 * Uploads what a sampler draws from throughout a run. The caller releases it.
 * @throws InputError without the counts that it needs
 */
export function uploadSource(
  stream: Stream,
  { name, source }: DrawingSampler,
  counts: ItemCounts | undefined,
  settings: Settings,
): Tensor | undefined {
  if (source?.from !== 'counts') return undefined;
  if (!counts?.some((count) => count > 0)) {
    throw new InputError(
      `the negatives ${name} are drawn by how often items are training targets, and there are no such counts; give training sequences of two items or more, or set negatives to uniform`,
    );
  }
  const words = source.words(counts, settings);
  return stream.upload(words, [words.length]);
}

/**
 * Uploads what a sampler draws from for the rows of a part, if that is their users' items. It belongs to the stream's scope.
 * @throws InputError if a sequence leaves nothing to draw
 */
export function uploadHistories(
  stream: Stream,
  { name, source }: DrawingSampler,
  rows: SequenceRows | undefined,
  numItems: number,
): Tensor | undefined {
  if (source?.from !== 'histories') return undefined;
  if (!rows) throw new GsasError(`the negatives ${name} need the rows of the batch`);
  const words = source.words(rows, numItems);
  return stream.upload(words, [words.length]);
}
