import { InputError } from '../../base/errors.js';
import type { Dropout } from '../../engine/random.js';
import { tableOf } from '../../engine/table.js';
import type { Tape } from '../../engine/tape.js';
import type { Tensor } from '../../engine/tensor.js';
import { activation } from '../../kernels/activation/index.js';
import { attentionWeights } from '../../kernels/attention_weights/index.js';
import { embed } from '../../kernels/embedding/index.js';
import { layerNorm } from '../../kernels/layer_norm/index.js';
import { linear } from '../../kernels/linear/index.js';
import type {
  Architecture,
  EncodeOptions,
  ModelConfig,
  Network,
  ParameterSpec,
  SequenceTensors,
} from '../architecture.js';
import { NORMAL, NORMAL_SHIFTED, ONES, SHIFT, uniform } from '../initialisers.js';
import {
  type BlockForm,
  blockSites,
  type Inspect,
  transformerBlock,
  transformerBlockParameters,
} from './transformer.js';

/** What fixes the shape of a transformer besides its form. */
export type TransformerConfig = ModelConfig & { num_heads: number; num_blocks: number };

/** What distinguishes one transformer from another. */
export interface TransformerForm extends BlockForm {
  /** A layer norm after the last block. */
  readonly finalNorm: boolean;
  /** Then a dense layer with GELU: Sun et al., CIKM 2019, eq. 7. */
  readonly head: boolean;
  /** Scores are taken with the input table. */
  readonly tied: boolean;
}

const EMBEDDING_SITE = 1;

/**
 * The members of an architecture that is a stack of transformer blocks over item and position embeddings, with the names of the official gSASRec port.
 * @param formOf what a configuration asks for
 */
export function transformer<Config extends TransformerConfig>(formOf: (config: Config) => TransformerForm) {
  const encode = (
    tape: Tape,
    { config, parameter }: Network<Config>,
    { ids, spans }: SequenceTensors,
    { dropoutRate, last }: EncodeOptions,
    inspect?: Inspect,
  ): Tensor => {
    const { num_blocks, num_heads: heads } = config;
    const form = formOf(config);
    const dropout = (site: number): Dropout | undefined => (dropoutRate > 0 ? { rate: dropoutRate, site } : undefined);
    tape.stream.phase = 'embedding';
    const [items, positions] = [parameter('item_embedding.weight'), parameter('position_embedding.weight')];
    let x = embed(tape, tableOf(items), positions, ids, spans, { dropout: dropout(EMBEDDING_SITE) });
    tape.stream.phase = 'forward';
    for (let i = 0; i < num_blocks; i++) {
      const first = EMBEDDING_SITE + 1 + blockSites(form) * i;
      const isLast = i === num_blocks - 1;
      x = transformerBlock(tape, x, spans, (name) => parameter(`transformer_blocks.${i}.${name}`), {
        ...{ form, heads, dropout: (site: number) => dropout(first + site) },
        ...(isLast && { last, inspect }),
      });
    }
    if (form.finalNorm) x = layerNorm(tape, x, parameter('seq_norm.weight'), parameter('seq_norm.bias'));
    if (!form.head) return x;
    return activation(tape, 'gelu', linear(tape, x, parameter('head.weight'), parameter('head.bias')));
  };

  return {
    check({ embedding_dim, num_heads }, source) {
      if (embedding_dim % num_heads === 0) return;
      throw new InputError(
        `${source}: embedding_dim is ${embedding_dim}; it must be a multiple of num_heads, which is ${num_heads}`,
      );
    },

    parameters(config) {
      const { num_items: N, sequence_length: S, embedding_dim: D, num_blocks } = config;
      const form = formOf(config);
      const table = { shape: [N + 2, D], rows: 'items' } as const;
      const blocks = Array.from({ length: num_blocks }, (_, i) =>
        transformerBlockParameters(`transformer_blocks.${i}`, D, form),
      );
      return new Map<string, ParameterSpec>([
        ['item_embedding.weight', { ...table, initialiser: NORMAL }],
        ['position_embedding.weight', { shape: [S, D], rows: 'positions', initialiser: NORMAL }],
        ...blocks.flat(),
        ...(form.finalNorm
          ? ([
              ['seq_norm.weight', { shape: [D], initialiser: ONES }],
              ['seq_norm.bias', { shape: [D], initialiser: SHIFT }],
            ] as const)
          : []),
        ...(form.head
          ? ([
              ['head.weight', { shape: [D, D], initialiser: uniform(D) }],
              ['head.bias', { shape: [D], initialiser: uniform(D) }],
            ] as const)
          : []),
        ...(form.tied
          ? []
          : [
              ['output_embedding.weight', { ...table, initialiser: form.finalNorm ? NORMAL_SHIFTED : NORMAL }] as const,
            ]),
      ]);
    },

    outputTable: (config) => (formOf(config).tied ? 'item_embedding.weight' : 'output_embedding.weight'),

    encode,

    attention(tape, network, batch, last) {
      let weights: Tensor | undefined;
      encode(tape, network, batch, { dropoutRate: 0, last }, (q, k) => {
        weights = attentionWeights(tape.stream, q, k, last.spans, network.config.num_heads);
      });
      return weights!;
    },
  } as const satisfies Partial<Architecture<Config>>;
}
