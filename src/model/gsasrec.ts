import { InputError } from '../base/errors.js';
import type { Values } from '../base/options.js';
import { nextItem } from '../data/tasks.js';
import type { Dropout } from '../engine/random.js';
import { tableOf } from '../engine/table.js';
import type { Tape } from '../engine/tape.js';
import type { Tensor } from '../engine/tensor.js';
import { attentionWeights } from '../kernels/attention_weights/index.js';
import { embed } from '../kernels/embedding/index.js';
import { layerNorm } from '../kernels/layer_norm/index.js';
import type {
  Architecture,
  EncodeOptions,
  ModelConfig,
  Network,
  ParameterSpec,
  SequenceTensors,
} from './architecture.js';
import { type Inspect, transformerBlock, transformerBlockParameters } from './blocks/transformer.js';
import { NORMAL, NORMAL_SHIFTED, ONES, SHIFT } from './initialisers.js';
import { TRANSFORMER_OPTIONS } from './options.js';

/** The configuration of a gSASRec. @interface */
export type GsasrecConfig = ModelConfig & Values<typeof TRANSFORMER_OPTIONS>;

const EMBEDDING_SITE = 1;
const BLOCK_SITES = 3;

/**
 * gSASRec (Petrov and Macdonald, RecSys 2023): SASRec's decoder (Kang and McAuley, ICDM 2018) over a window of the latest items, its
 * parameters named, ordered and initialised as in the official PyTorch port (github.com/asash/gSASRec-pytorch).
 */
export const gsasrec = {
  name: 'gsasrec',
  help: "SASRec's causal transformer as the official gSASRec has it",
  title: 'gSASRec',
  options: TRANSFORMER_OPTIONS,
  task: nextItem,

  check({ embedding_dim, num_heads }, source) {
    if (embedding_dim % num_heads === 0) return;
    throw new InputError(
      `${source}: embedding_dim is ${embedding_dim}; it must be a multiple of num_heads, which is ${num_heads}`,
    );
  },

  parameters({ num_items: N, sequence_length: S, embedding_dim: D, num_blocks, reuse_item_embeddings }) {
    const table = { shape: [N + 2, D], rows: 'items' } as const;
    return new Map<string, ParameterSpec>([
      ['item_embedding.weight', { ...table, initialiser: NORMAL }],
      ['position_embedding.weight', { shape: [S, D], rows: 'positions', initialiser: NORMAL }],
      ...Array.from({ length: num_blocks }, (_, i) => transformerBlockParameters(`transformer_blocks.${i}`, D)).flat(),
      ['seq_norm.weight', { shape: [D], initialiser: ONES }],
      ['seq_norm.bias', { shape: [D], initialiser: SHIFT }],
      ...(reuse_item_embeddings
        ? []
        : [['output_embedding.weight', { ...table, initialiser: NORMAL_SHIFTED }] as const]),
    ]);
  },

  outputTable: ({ reuse_item_embeddings }) =>
    reuse_item_embeddings ? 'item_embedding.weight' : 'output_embedding.weight',

  encode,

  attention(tape, network, batch, last) {
    let weights: Tensor | undefined;
    encode(tape, network, batch, { dropoutRate: 0, last }, (q, k) => {
      weights = attentionWeights(tape.stream, q, k, last.spans, network.config.num_heads);
    });
    return weights!;
  },
} as const satisfies Architecture<GsasrecConfig>;

function encode(
  tape: Tape,
  { config, parameter }: Network<GsasrecConfig>,
  { ids, spans }: SequenceTensors,
  { dropoutRate, last }: EncodeOptions,
  inspect?: Inspect,
): Tensor {
  const { num_blocks, num_heads: heads } = config;
  const dropout = (site: number): Dropout | undefined => (dropoutRate > 0 ? { rate: dropoutRate, site } : undefined);
  tape.stream.phase = 'embedding';
  const [items, positions] = [parameter('item_embedding.weight'), parameter('position_embedding.weight')];
  let x = embed(tape, tableOf(items), positions, ids, spans, { dropout: dropout(EMBEDDING_SITE) });
  tape.stream.phase = 'forward';
  for (let i = 0; i < num_blocks; i++) {
    const site = EMBEDDING_SITE + 1 + BLOCK_SITES * i;
    const isLast = i === num_blocks - 1;
    x = transformerBlock(tape, x, spans, (name) => parameter(`transformer_blocks.${i}.${name}`), {
      heads,
      dropouts: { attention: dropout(site), dense1: dropout(site + 1), dense2: dropout(site + 2) },
      ...(isLast && { last, inspect }),
    });
  }
  return layerNorm(tape, x, parameter('seq_norm.weight'), parameter('seq_norm.bias'));
}
