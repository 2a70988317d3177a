import type { Values } from '../base/options.js';
import { nextItem } from '../data/tasks.js';
import type { Architecture, ModelConfig } from './architecture.js';
import { transformer } from './blocks/encoder.js';
import { SASREC_FORM } from './blocks/transformer.js';
import { TRANSFORMER_OPTIONS } from './options.js';

/** The configuration of a gSASRec. @interface */
export type GsasrecConfig = ModelConfig & Values<typeof TRANSFORMER_OPTIONS>;

/**
 * gSASRec (Petrov and Macdonald, RecSys 2023): SASRec's decoder (Kang and McAuley, ICDM 2018) over a window of the latest items, its
 * parameters named, ordered and initialised as in the official PyTorch port (github.com/asash/gSASRec-pytorch).
 */
export const gsasrec = {
  ...transformer<GsasrecConfig>((config) => ({
    ...SASREC_FORM,
    finalNorm: true,
    head: false,
    tied: config.reuse_item_embeddings,
  })),
  name: 'gsasrec',
  help: "SASRec's causal transformer as the official gSASRec has it",
  title: 'gSASRec',
  options: TRANSFORMER_OPTIONS,
  task: () => nextItem,
} as const satisfies Architecture<GsasrecConfig>;
