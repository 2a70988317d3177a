import type { Option, Values } from '../base/options.js';
import { nextItem } from '../data/tasks.js';
import type { Architecture, ModelConfig } from './architecture.js';
import { transformer } from './blocks/encoder.js';
import { SASREC_FORM } from './blocks/transformer.js';
import { TRANSFORMER_OPTIONS } from './options.js';

/** What can be changed about SASRec's blocks. The defaults are the official port's. */
const FORM_OPTIONS = {
  block_norm: {
    type: 'choice',
    default: 'query',
    choices: ['query', 'before', 'after'],
    fixed: true,
    help: 'where layer norms stand: query normalises what queries come from and the residual, as SASRec does; before and after stand so to each sublayer, with an output projection',
  },
  feed_forward: {
    type: 'choice',
    default: 'relu',
    choices: ['relu', 'gelu', 'swiglu'],
    fixed: true,
    help: 'activation of the feed-forward part',
  },
  hidden_factor: {
    type: 'integer',
    default: 1,
    min: 1,
    max: 64,
    fixed: true,
    help: 'hidden units of the feed-forward part, in multiples of embedding_dim',
  },
  gated_blocks: {
    type: 'boolean',
    default: false,
    fixed: true,
    help: "multiply each sublayer's result by a learned gate, as LiGR does",
  },
  final_norm: { type: 'boolean', default: true, fixed: true, help: 'a layer norm after the last block' },
} as const satisfies Record<string, Option>;

const OPTIONS = { ...TRANSFORMER_OPTIONS, ...FORM_OPTIONS };

/** The configuration of a SASRec. @interface */
export type SasrecConfig = ModelConfig & Values<typeof OPTIONS>;

/**
 * SASRec (Kang and McAuley, ICDM 2018) as the official gSASRec port has it, trained as it was published, with one negative for each positive and binary
 * cross entropy; and the family of its relatives, whose blocks differ in norms, gates and activations.
 */
export const sasrec = {
  ...transformer<SasrecConfig>((config) => ({
    ...SASREC_FORM,
    norm: config.block_norm,
    feedForward: config.feed_forward,
    hiddenFactor: config.hidden_factor,
    gated: config.gated_blocks,
    finalNorm: config.final_norm,
    head: false,
    tied: config.reuse_item_embeddings,
  })),
  name: 'sasrec',
  help: 'the same with one negative and BCE, and with other norms, gates and activations',
  title: 'SASRec',
  options: OPTIONS,
  recommended: { loss: 'bce', negs_per_pos: 1 },
  task: () => nextItem,
} as const satisfies Architecture<SasrecConfig>;
