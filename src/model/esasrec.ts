import type { Values } from '../base/options.js';
import { nextItem } from '../data/tasks.js';
import type { Architecture, ModelConfig } from './architecture.js';
import { transformer } from './blocks/encoder.js';
import { SASREC_FORM } from './blocks/transformer.js';
import { TRANSFORMER_OPTIONS } from './options.js';

const { reuse_item_embeddings: _, ...OPTIONS } = TRANSFORMER_OPTIONS;

/** The configuration of an eSASRec. @interface */
export type EsasrecConfig = ModelConfig & Values<typeof OPTIONS>;

/**
 * eSASRec (Tikhonovich et al., "eSASRec: Enhancing transformer-based recommendations in a modular fashion", RecSys 2025, arXiv 2508.06450): the LiGR blocks of
 * Borisyuk et al. 2025, pre-norm with gated residuals and SwiGLU of four times the width, trained with a sampled softmax. As in RecTools, the
 * feed-forward part has no biases, no norm follows the last block, and scores are taken with the input table.
 */
export const esasrec = {
  ...transformer<EsasrecConfig>(() => ({
    ...SASREC_FORM,
    norm: 'before',
    feedForward: 'swiglu',
    hiddenFactor: 4,
    hiddenBias: false,
    gated: true,
    finalNorm: false,
    head: false,
    tied: true,
  })),
  name: 'esasrec',
  help: 'pre-norm blocks with gated residuals and SwiGLU, with a sampled softmax',
  title: 'eSASRec',
  options: OPTIONS,
  recommended: { loss: 'ssm', init_prior: false },
  task: () => nextItem,
} as const satisfies Architecture<EsasrecConfig>;
