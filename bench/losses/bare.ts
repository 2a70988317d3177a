import { nextItem } from '../../src/data/tasks.js';
import { tableOf } from '../../src/engine/table.js';
import { gather } from '../../src/kernels/gather/index.js';
import type { Architecture } from '../../src/model/architecture.js';
import { NORMAL } from '../../src/model/initialisers.js';
import { COMMON_OPTIONS } from '../../src/model/options.js';

/** Two tables and nothing between them: a training step of it is its loss, the gradients of both tables and their update. */
export const bare = {
  name: 'bare',
  help: 'the row of the latest item',
  title: 'Two tables',
  options: COMMON_OPTIONS,
  task: () => nextItem,
  parameters: ({ num_items, embedding_dim }) => {
    const table = { shape: [num_items + 2, embedding_dim], rows: 'items', initialiser: NORMAL } as const;
    return new Map([
      ['input', table],
      ['output', table],
    ]);
  },
  outputTable: () => 'output',
  encode: (tape, { parameter }, { ids }, { last }) => {
    const h = gather(tape, tableOf(parameter('input')), ids);
    return last ? gather(tape, tableOf(h), last.tokens) : h;
  },
} as const satisfies Architecture;
