import type { Dropout } from '../../engine/random.js';
import { tableOf } from '../../engine/table.js';
import type { Tape } from '../../engine/tape.js';
import type { Tensor } from '../../engine/tensor.js';
import { activation } from '../../kernels/activation/index.js';
import { attention } from '../../kernels/attention/index.js';
import { gather } from '../../kernels/gather/index.js';
import { layerNorm } from '../../kernels/layer_norm/index.js';
import { linear } from '../../kernels/linear/index.js';
import type { LastTokens, ParameterSpec } from '../architecture.js';
import { ONES, uniform, ZEROS } from '../initialisers.js';

/** What distinguishes the transformer blocks of one model from those of another. */
export interface BlockForm {
  /**
   * Where the norms stand. `before` and `after`: before or after each sublayer (Xiong et al., "On layer normalization in the transformer architecture",
   * ICML 2020), with an output projection after the attention. `query`: as SASRec has them, where queries come from the normalised input, keys and values
   * from the input itself, the residual is the *normalised* input, and no projection follows.
   */
  readonly norm: 'query' | 'before' | 'after';
  /** Each sublayer's result is multiplied by sigmoid(linear(the sublayer's input before its norm)): LiGR (Borisyuk et al. 2025), section 3. */
  readonly gated: boolean;
  readonly feedForward: 'relu' | 'gelu' | 'swiglu';
  /** Hidden units of the feed-forward part, in multiples of D. */
  readonly hiddenFactor: number;
  /** Whether its linear layers have biases. */
  readonly hiddenBias: boolean;
  /** Tokens see those after them, too. */
  readonly bidirectional: boolean;
}

/** SASRec's block as in the official port. */
export const SASREC_FORM: BlockForm = {
  norm: 'query',
  gated: false,
  feedForward: 'relu',
  hiddenFactor: 1,
  hiddenBias: true,
  bidirectional: false,
};

/** Receives a block's queries, [T, D] or with `last` [Q, D], and keys [T, D]. */
export type Inspect = (q: Tensor, k: Tensor) => void;

export interface TransformerBlockOptions {
  form: BlockForm;
  heads: number;
  /** The dropout of the block's site 0 … BLOCK_SITES - 1; undefined for none. */
  dropout: (site: number) => Dropout | undefined;
  /** Compute only these tokens. Keys and values still come from all tokens. */
  last?: LastTokens | undefined;
  inspect?: Inspect | undefined;
}

/** Where a block drops: attention weights, hidden units, the result of the feed-forward part, and that of the attention where a projection or a gate follows. */
const SITES = { attention: 0, hidden: 1, feedForward: 2, projection: 3 } as const;

/** How many sites of dropout a block has. */
export function blockSites({ norm, gated }: BlockForm): number {
  return norm === 'query' && !gated ? SITES.projection : SITES.projection + 1;
}

/** The parameters of a block, by name; those of SASRec's form in the official port's order. Linear weights are [out, in]. */
export function transformerBlockParameters(
  prefix: string,
  D: number,
  form: BlockForm,
): [name: string, spec: ParameterSpec][] {
  const norm = (name: string): [string, ParameterSpec][] => [
    [`${prefix}.${name}.weight`, { shape: [D], initialiser: ONES }],
    [`${prefix}.${name}.bias`, { shape: [D], initialiser: ZEROS }],
  ];
  const dense = (name: string, out = D, from = D, bias = true): [string, ParameterSpec][] => [
    [`${prefix}.${name}.weight`, { shape: [out, from], initialiser: uniform(from) }],
    ...(bias
      ? [[`${prefix}.${name}.bias`, { shape: [out], initialiser: uniform(from) }] as [string, ParameterSpec]]
      : []),
  ];
  const { hiddenBias } = form;
  const hidden = D * form.hiddenFactor;
  const projections = ['query_proj', 'key_proj', 'val_proj', ...(form.norm === 'query' ? [] : ['out_proj'])];
  return [
    ...['first_norm', 'second_norm'].flatMap(norm),
    ...projections.flatMap((name) => dense(`multihead_attention.${name}`)),
    ...dense('dense1', hidden, D, hiddenBias),
    ...dense('dense2', D, hidden, hiddenBias),
    ...(form.feedForward === 'swiglu' ? dense('dense3', hidden, D, hiddenBias) : []),
    ...(form.gated ? ['first_gate', 'second_gate'].flatMap((name) => dense(name)) : []),
  ];
}

/**
 * A transformer block: attention, then a feed-forward part, each with a residual.
 * @param x [T, D]
 * @param spans [T, 2] each token's sequence
 * @param parameter a parameter of this block by its name
 * @returns [T, D], with `last` [Q, D]
 */
export function transformerBlock(
  tape: Tape,
  x: Tensor,
  spans: Tensor,
  parameter: (name: string) => Tensor,
  { form, heads, dropout, last, inspect }: TransformerBlockOptions,
): Tensor {
  const { feedForward, gated, hiddenBias } = form;
  const norm = (name: string, input: Tensor) =>
    layerNorm(tape, input, parameter(`${name}.weight`), parameter(`${name}.bias`));
  const dense = (name: string, input: Tensor, options: Parameters<typeof linear>[4] = {}, bias = true) =>
    linear(tape, input, parameter(`${name}.weight`), bias ? parameter(`${name}.bias`) : undefined, options);

  /** residual + dropout(layer(input)) or, where gated, residual + sigmoid(gate(of)) dropout(layer(input)). */
  const sublayer = (name: 'first' | 'second', of: Tensor, residual: Tensor, site: number, layer: Sublayer): Tensor => {
    if (!gated) return layer({ residual, dropout: dropout(site) });
    const times = layer({});
    return activation(tape, 'sigmoid', dense(`${name}_gate`, of), { times, residual, dropout: dropout(site) });
  };

  const own = last ? gather(tape, tableOf(x), last.tokens) : x;
  const input = form.norm === 'after' ? own : norm('first_norm', own);
  const attend = (residual?: Tensor): Tensor => {
    const all = form.norm === 'before' && last ? norm('first_norm', x) : input;
    const source = form.norm === 'before' ? all : x;
    const q = dense('multihead_attention.query_proj', input);
    const k = dense('multihead_attention.key_proj', source);
    const v = dense('multihead_attention.val_proj', source);
    inspect?.(q, k);
    return attention(tape, q, k, v, last?.spans ?? spans, {
      ...{ heads, residual, bidirectional: form.bidirectional, last: last !== undefined },
      dropout: dropout(SITES.attention),
    });
  };
  const feed = (from: Tensor, options: SublayerOptions): Tensor => {
    const hidden = dropout(SITES.hidden);
    const inner = (options: Parameters<typeof linear>[4] = {}) => dense('dense1', from, options, hiddenBias);
    const activated =
      feedForward === 'relu'
        ? inner({ relu: true, dropout: hidden })
        : activation(tape, feedForward === 'gelu' ? 'gelu' : 'silu', inner(), {
            dropout: hidden,
            ...(feedForward === 'swiglu' && { times: dense('dense3', from, {}, hiddenBias) }),
          });
    return dense('dense2', activated, options, hiddenBias);
  };

  if (form.norm === 'query') {
    const attended = gated ? sublayer('first', own, input, SITES.projection, () => attend()) : attend(input);
    const z = norm('second_norm', attended);
    return sublayer('second', z, z, SITES.feedForward, (options) => feed(z, options));
  }
  const attended = sublayer('first', own, own, SITES.projection, (options) =>
    dense('multihead_attention.out_proj', attend(), options),
  );
  const y = form.norm === 'after' ? norm('first_norm', attended) : attended;
  const z = form.norm === 'after' ? y : norm('second_norm', y);
  const out = sublayer('second', y, y, SITES.feedForward, (options) => feed(z, options));
  return form.norm === 'after' ? norm('second_norm', out) : out;
}

/** What a sublayer's last linear layer does itself. */
type SublayerOptions = { residual?: Tensor; dropout?: Dropout | undefined };
type Sublayer = (options: SublayerOptions) => Tensor;
