import type { Choice, Settings } from '../../base/options.js';
import type { Corrections } from './log-q.js';

/**
 * How scores are judged: a loss of one token's positive and its candidates, wherever these come from. Kernels visit the scores; a judge says what each is
 * worth and how the loss changes with it. So every judge runs on every kind of candidates.
 */
export interface Judge extends Choice {
  /** What it computes for a token of positive score s+ and candidates' scores s_1 … s_k, with its source. */
  readonly formula: string;
  /** The name of the only negatives that it works with; any if left out. */
  readonly negatives?: string;
  /**
   * What must be known of a token's scores before the slope of one of them is: nothing; the `positive`'s, which kernels take first; `log_sum_exp`,
   * that of all of them, the positive's included, which kernels keep as a running maximum and sum while scores go by; or `softmax`, the positive's and
   * up to four sums over the candidates that are relative to the largest of their scores, which kernels keep in the same way.
   */
  readonly needs: 'nothing' | 'positive' | 'log_sum_exp' | 'softmax';
  /** Fields of `struct Params` that `wgsl` reads. */
  readonly params: string;
  /** Their values. */
  uniforms(settings: Settings): Record<string, number>;
  /**
   * WGSL, over `alias Score`, f32 or a vec4 of them:
   * - `weight_of(positive: bool, share: f32, draws: f32) -> f32`: a signed weight by which the two others know what they judge. `share` is the token's
   *   share of the whole loss over `divisor(k)`. `draws` is 0 but for a judge of `weighsDraws` on candidates whose probabilities vary: there it is how often
   *   the token's positive is drawn, on average. Kernels use 0 for a slot that holds nothing, for which both others must return 0;
   * - `loss_of(w: Score, s: Score, row: Row) -> Score`: the part of the loss that a score of weight w brings;
   * - `slope_of(w: Score, s: Score, row: Row) -> Score`: the loss's derivative by that score.
   * `row`, see `ROW_WGSL`, holds what `needs` asks for. With `positive` the loss must depend on s_j - s+ alone, so that the
   * positive's slope is less the sum of the candidates'. With `log_sum_exp` the candidates' part of the loss
   * must lie in the log-sum-exp, so that only a positive is asked for its loss, and the slope must be |w| e^(s - log_sum_exp), plus w for a positive.
   * With `softmax`, too, only a positive is asked for its loss, and the judge has two functions more:
   * - `terms_of(s: f32, largest: f32, row: Row) -> vec4f`: what a candidate adds to the sums, finite for s <= largest;
   * - `rebased(sums: vec4f, largest: f32, larger: f32, row: Row) -> vec4f`: sums relative to `largest` made relative to `larger`.
   */
  readonly wgsl: string;
  /** What the sum over a token's scores is divided by. */
  divisor(k: number): number;
  /** Whether `weight_of` reads `draws`. */
  readonly weighsDraws?: true;
  /** The corrections of scores that it goes with; none if left out. */
  readonly logQ?: Corrections;
  /** The loss of one token in float64, divided already. @param draws as in `weight_of` */
  reference(positive: number, candidates: ArrayLike<number>, settings: Settings, draws: number): number;
  /** Its settings follow from k, so that all tokens of all batches must have as many candidates. */
  readonly byCount?: boolean;
  /** The settings that a configuration comes to. */
  settings(options: Readonly<Record<string, unknown>>, drawn: Drawn): Settings;
  /** Whether the sigmoid of a score is the probability that its item comes next. */
  calibrated?(options: Readonly<Record<string, unknown>>): boolean;
  /** Values of its options beside the defaults under which its kernels are tested too. */
  readonly trials?: readonly Readonly<Record<string, unknown>>[];
  /** The best score that a model can give to every item alike, if it is not 0: see `initialParameters`. @param draws as in `weight_of`, the mean over targets */
  prior?(settings: Settings, k: number, draws?: number): number;
}

/** What a loss's settings depend on, beside the configuration. */
export interface Drawn {
  readonly k: number;
  readonly numItems: number;
  /** Some items are likelier to be drawn than others. */
  readonly varies?: boolean;
}

/** A judge with its settings, which together are a loss. */
export interface Verdict {
  readonly judge: Judge;
  readonly settings: Settings;
}

/** WGSL: what is known of a token's scores: those that the judge needs, the others undefined. `largest` and `sums` are of candidates alone. */
export const ROW_WGSL = 'struct Row { positive: f32, log_sum_exp: f32, largest: f32, sums: vec4f }\n';
