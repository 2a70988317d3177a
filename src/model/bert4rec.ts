import { InputError } from '../base/errors.js';
import type { Option, Values } from '../base/options.js';
import { cloze } from '../data/tasks.js';
import type { Architecture, ModelConfig } from './architecture.js';
import { transformer } from './blocks/encoder.js';
import { SASREC_FORM } from './blocks/transformer.js';
import { TRANSFORMER_OPTIONS } from './options.js';

const { reuse_item_embeddings: _, ...SHAPE } = TRANSFORMER_OPTIONS;

const OPTIONS = {
  ...SHAPE,
  mask_rate: {
    type: 'number',
    default: 0.2,
    above: 0,
    max: 1,
    help: 'share of the items of a sequence that are masked in training',
  },
} as const satisfies Record<string, Option>;

/** The configuration of a BERT4Rec. @interface */
export type Bert4recConfig = ModelConfig & Values<typeof OPTIONS>;

// Every token sees the mask and what surrounds it, so that weights of the last token are no weights of a history.
const { attention: __, ...members } = transformer<Bert4recConfig>(() => ({
  ...SASREC_FORM,
  norm: 'after',
  feedForward: 'gelu',
  hiddenFactor: 4,
  bidirectional: true,
  finalNorm: false,
  head: true,
  tied: true,
}));

/**
 * BERT4Rec (Sun et al., CIKM 2019): attention in both directions over a sequence some items of which are masked, and trained to name these. Blocks have their
 * norms after, GELU, and four times the width inside; a dense layer with GELU makes the hidden state that is compared with the input table (eq. 7, without the
 * items' biases). Row N + 1 of the table is the mask's.
 */
export const bert4rec = {
  ...members,
  name: 'bert4rec',
  help: 'attention in both directions, trained to name masked items',
  title: 'BERT4Rec',
  options: OPTIONS,
  recommended: { loss: 'ce', init_prior: false },
  task: ({ num_items, mask_rate }) => cloze({ mask: num_items + 1, rate: mask_rate }),

  check(config, source) {
    members.check(config, source);
    if (config.sequence_length > 1) return;
    throw new InputError(`${source}: sequence_length is 1; bert4rec needs 2 at least, one of which is the mask`);
  },
} as const satisfies Architecture<Bert4recConfig>;
