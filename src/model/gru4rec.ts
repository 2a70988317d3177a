import { InputError } from '../base/errors.js';
import type { Option, Values } from '../base/options.js';
import { nextItem } from '../data/tasks.js';
import { tableOf } from '../engine/table.js';
import { activation } from '../kernels/activation/index.js';
import { gather } from '../kernels/gather/index.js';
import { gru, MOST_UNITS } from '../kernels/gru/index.js';
import { linear } from '../kernels/linear/index.js';
import type { Architecture, ModelConfig, ParameterSpec } from './architecture.js';
import { NORMAL, uniform } from './initialisers.js';
import { COMMON_OPTIONS, TRANSFORMER_OPTIONS } from './options.js';

const OPTIONS = {
  ...COMMON_OPTIONS,
  num_layers: { type: 'integer', default: 1, min: 1, max: 16, fixed: true, help: 'recurrent layers' },
  reuse_item_embeddings: TRANSFORMER_OPTIONS.reuse_item_embeddings,
} as const satisfies Record<string, Option>;

/** The configuration of a GRU4Rec. @interface */
export type Gru4recConfig = ModelConfig & Values<typeof OPTIONS>;

/**
 * GRU4Rec (Hidasi et al., "Session-based recommendations with recurrent neural networks", ICLR 2016): gated recurrent units over the embeddings of the items,
 * with as many units as an embedding has numbers, their weights named as in PyTorch. It is trained with cross entropy over all items, as Klenitskiy and Vasilev
 * (RecSys 2023) do; the losses of its own papers are `bpr-max` and `top1-max`. Embeddings and what goes from one layer to the next are dropped out.
 */
export const gru4rec = {
  name: 'gru4rec',
  help: 'gated recurrent units over the items, with cross entropy',
  title: 'GRU4Rec',
  options: OPTIONS,
  recommended: { loss: 'ce', init_prior: false },
  task: () => nextItem,

  check({ embedding_dim }, source) {
    if (embedding_dim <= MOST_UNITS) return;
    throw new InputError(`${source}: embedding_dim is ${embedding_dim}; gru4rec takes ${MOST_UNITS} at most`);
  },

  parameters({ num_items: N, embedding_dim: D, num_layers, reuse_item_embeddings }) {
    const table: ParameterSpec = { shape: [N + 2, D], rows: 'items', initialiser: NORMAL };
    const initialiser = uniform(D);
    return new Map<string, ParameterSpec>([
      ['item_embedding.weight', table],
      ...Array.from({ length: num_layers }, (_, i): [string, ParameterSpec][] => [
        [`gru.weight_ih_l${i}`, { shape: [3 * D, D], initialiser }],
        [`gru.weight_hh_l${i}`, { shape: [3 * D, D], initialiser }],
        [`gru.bias_ih_l${i}`, { shape: [3 * D], initialiser }],
        [`gru.bias_hh_l${i}`, { shape: [3 * D], initialiser }],
      ]).flat(),
      ...(reuse_item_embeddings ? [] : [['output_embedding.weight', table] as const]),
    ]);
  },

  outputTable: ({ reuse_item_embeddings }) =>
    reuse_item_embeddings ? 'item_embedding.weight' : 'output_embedding.weight',

  encode(tape, { config, parameter }, { ids, spans }, { dropoutRate, last }) {
    tape.stream.phase = 'embedding';
    let x = gather(tape, tableOf(parameter('item_embedding.weight')), ids);
    tape.stream.phase = 'forward';
    for (let i = 0; i < config.num_layers; i++) {
      if (dropoutRate > 0) x = activation(tape, 'identity', x, { dropout: { rate: dropoutRate, site: 1 + i } });
      const inputs = linear(tape, x, parameter(`gru.weight_ih_l${i}`), parameter(`gru.bias_ih_l${i}`));
      x = gru(tape, inputs, parameter(`gru.weight_hh_l${i}`), parameter(`gru.bias_hh_l${i}`), spans);
    }
    return last ? gather(tape, tableOf(x), last.tokens) : x;
  },
} as const satisfies Architecture<Gru4recConfig>;
