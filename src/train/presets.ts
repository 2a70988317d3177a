import { unknownName } from '../base/options.js';
import type { TrainOptions } from './config.js';

/** SASRec+ of MovieLens-1M as in its authors' src/configs/SASRec.yaml and models.py (github.com/antklen/sasrec-bert4rec-recsys23). */
const SASREC_PLUS = {
  sequence_length: 200,
  embedding_dim: 64,
  num_heads: 1,
  num_blocks: 2,
  dropout_rate: 0.1,
  reuse_item_embeddings: true,
  train_batch_size: 128,
  lr: 1e-3,
  init_std: 0.02,
  max_epochs: 100,
  early_stopping_patience: 10,
} as const satisfies Partial<TrainOptions>;

/** Named settings. Keys that they leave out have their defaults. */
export const PRESETS = {
  /** The official port's config_ml1m.py. */
  'gsasrec-ml1m': {
    sequence_length: 200,
    embedding_dim: 128,
    num_heads: 1,
    num_blocks: 2,
    dropout_rate: 0.5,
    negs_per_pos: 256,
    gbce_t: 0.75,
    max_batches_per_epoch: 100,
  },
  /** The official port's config_ml1m_sasrec.py: one negative and t = 0 make gBCE the BCE of SASRec. */
  'sasrec-ml1m': {
    sequence_length: 200,
    embedding_dim: 128,
    num_heads: 1,
    num_blocks: 2,
    dropout_rate: 0.5,
    negs_per_pos: 1,
    gbce_t: 0,
    max_batches_per_epoch: 100,
    reuse_item_embeddings: false,
  },
  /** Cross entropy over the whole catalogue. */
  'sasrec-plus': { ...SASREC_PLUS, loss: 'ce' },
  /** Cross entropy over the positive and 3000 items that are not in the sequence. */
  'sasrec-plus-3000': {
    ...SASREC_PLUS,
    loss: 'ssm',
    negatives: 'per-sequence',
    negs_per_pos: 3000,
    without_replacement: true,
  },
  /** A model of MovieLens-1M that learns in minutes on CPU cores. */
  quick: {
    sequence_length: 50,
    embedding_dim: 64,
    num_heads: 1,
    num_blocks: 2,
    dropout_rate: 0.2,
    negs_per_pos: 32,
    gbce_t: 0.75,
    train_batch_size: 64,
    lr: 4e-3,
    init_std: 0.02,
    init_prior: true,
    max_batches_per_epoch: 100,
    early_stopping_patience: 12,
    max_minutes: 30,
  },
  /** For the synthetic catalogue, which is used if no data is named. */
  synthetic: {
    sequence_length: 50,
    embedding_dim: 64,
    num_heads: 1,
    num_blocks: 2,
    dropout_rate: 0.3,
    negs_per_pos: 32,
    gbce_t: 0.75,
    train_batch_size: 64,
    lr: 3e-3,
    init_std: 0.02,
    init_prior: true,
    early_stopping_patience: 4,
    max_minutes: 2.5,
  },
} as const satisfies Record<string, Partial<TrainOptions>>;

/** What each preset is for, in a phrase. */
export const PRESET_USES: Readonly<Record<keyof typeof PRESETS, string>> = {
  'gsasrec-ml1m':
    "the paper's gSASRec of MovieLens-1M at full size (Petrov and Macdonald, RecSys 2023, as in the official config_ml1m.py)",
  'sasrec-ml1m':
    'the SASRec that it is compared with, of one negative and plain BCE (Kang and McAuley, ICDM 2018, as in the official config_ml1m_sasrec.py)',
  'sasrec-plus':
    'SASRec+ of MovieLens-1M, cross entropy over all items (Klenitskiy and Vasilev, RecSys 2023, as in their SASRec.yaml)',
  'sasrec-plus-3000': 'the same with 3000 negatives for each sequence',
  quick: 'a smaller model for data of your own, which learns in minutes on CPU cores',
  synthetic: 'for the embedded catalogue, the default where no data is named',
};

/** The options of a preset. Throws an InputError that suggests the nearest name for an unknown one. */
export function presetOptions(name: string): Partial<TrainOptions> {
  if (!Object.hasOwn(PRESETS, name)) {
    throw unknownName('preset', name, Object.keys(PRESETS));
  }
  return { ...PRESETS[name as keyof typeof PRESETS] };
}
