import type { AnyOp } from '../engine/kernel.js';
import { addOp } from './add/index.js';
import { attentionOp } from './attention/index.js';
import { attentionWeightsOp } from './attention_weights/index.js';
import { columnSumOp } from './column_sum/index.js';
import { embedNegativesOp } from './embed_negatives/index.js';
import { embeddingOp } from './embedding/index.js';
import { gatherOp } from './gather/index.js';
import { groupOp } from './group/index.js';
import { layerNormOp } from './layer_norm/index.js';
import { linearOp } from './linear/index.js';
import { matmulOp } from './matmul/index.js';
import { scatterAddOp } from './scatter_add/index.js';
import { negativesOp } from './score/negatives/index.js';
import { rankOp } from './score/rank/index.js';
import { sampledGbceOp } from './score/sampled_gbce/index.js';
import { topKOp } from './score/top_k/index.js';
import { adamOp } from './update/adam/index.js';
import { scatterAdamOp } from './update/scatter_adam/index.js';

/** Every operation there is: tests, gradient checks, benches and `gsas-wgpu kernels` walk this list and no other. */
export const registry: readonly AnyOp[] = [
  adamOp,
  addOp,
  attentionOp,
  attentionWeightsOp,
  columnSumOp,
  embedNegativesOp,
  embeddingOp,
  gatherOp,
  groupOp,
  layerNormOp,
  linearOp,
  matmulOp,
  negativesOp,
  rankOp,
  sampledGbceOp,
  scatterAddOp,
  scatterAdamOp,
  topKOp,
];
