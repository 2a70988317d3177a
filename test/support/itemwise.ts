import type { Values } from '../../src/base/options.js';
import { nextItem } from '../../src/data/tasks.js';
import { tableOf } from '../../src/engine/table.js';
import { add } from '../../src/kernels/add/index.js';
import { gather } from '../../src/kernels/gather/index.js';
import { layerNorm } from '../../src/kernels/layer_norm/index.js';
import type { Architecture, ModelConfig, ParameterSpec } from '../../src/model/architecture.js';
import { NORMAL, ONES, ZEROS } from '../../src/model/initialisers.js';
import { COMMON_OPTIONS } from '../../src/model/options.js';

const OPTIONS = {
  ...COMMON_OPTIONS,
  twofold: { type: 'boolean', default: false, fixed: true, help: 'embed each item twice' },
} as const;

/**
 * The smallest architecture: a token's hidden state is the layer norm of its item's row, so it learns which items follow which. It shares no options and no
 * names with gSASRec, so code that works with it uses only what is declared.
 */
export const itemwise: Architecture<ModelConfig & Values<typeof OPTIONS>> = {
  name: 'itemwise',
  help: 'the latest item alone',
  title: 'Itemwise',
  options: OPTIONS,
  task: () => nextItem,
  parameters({ num_items, embedding_dim: D, twofold }) {
    const table: ParameterSpec = { shape: [num_items + 2, D], rows: 'items', initialiser: NORMAL };
    return new Map<string, ParameterSpec>([
      ['scale', { shape: [D], initialiser: ONES }],
      ['offset', { shape: [D], initialiser: ZEROS }],
      ['things', table],
      ...(twofold ? [['others', table] as const] : []),
      ['answers', table],
    ]);
  },
  outputTable: () => 'answers',
  encode(tape, { config, parameter }, { ids }, { last }) {
    const rows = (name: string) => {
      const x = gather(tape, tableOf(parameter(name)), ids);
      return last ? gather(tape, tableOf(x), last.tokens) : x;
    };
    const x = config.twofold ? add(tape, rows('things'), rows('others')) : rows('things');
    return layerNorm(tape, x, parameter('scale'), parameter('offset'));
  },
};
