import { activationOp } from './activation/spec.js';
import { addOp } from './add/spec.js';
import { attentionOp } from './attention/spec.js';
import { attentionWeightsOp } from './attention_weights/spec.js';
import { clipOp } from './clip/spec.js';
import { columnSumOp } from './column_sum/spec.js';
import { embedNegativesOp } from './embed_negatives/spec.js';
import { embeddingOp } from './embedding/spec.js';
import { gatherOp } from './gather/spec.js';
import { groupOp } from './group/spec.js';
import { groupedMatmulOps } from './grouped_matmul/spec.js';
import { gruOp } from './gru/spec.js';
import { layerNormOp } from './layer_norm/spec.js';
import { linearOp } from './linear/spec.js';
import { matmulOp } from './matmul/spec.js';
import type { Op } from './op.js';
import { scaleRowsOp } from './scale_rows/spec.js';
import { scatterAddOp } from './scatter_add/spec.js';
import { catalogueOps } from './score/catalogue/spec.js';
import { negativesOp } from './score/draw/spec.js';
import { drawOthersOp } from './score/draw_others/spec.js';
import { hardestOp } from './score/hardest/spec.js';
import { ownOps } from './score/own/spec.js';
import { rankOp } from './score/rank/spec.js';
import { sharedOps } from './score/shared/spec.js';
import { topKOp } from './score/top_k/spec.js';
import { updateOps } from './update/spec.js';

/** Every operation there is: tests, gradient checks, benches and `gsas-wgpu kernels` walk this list and no other. */
export const registry: readonly Op[] = [
  activationOp,
  addOp,
  attentionOp,
  attentionWeightsOp,
  clipOp,
  columnSumOp,
  embedNegativesOp,
  embeddingOp,
  gatherOp,
  groupOp,
  gruOp,
  layerNormOp,
  linearOp,
  matmulOp,
  ...groupedMatmulOps,
  negativesOp,
  drawOthersOp,
  hardestOp,
  rankOp,
  ...catalogueOps,
  ...ownOps,
  ...sharedOps,
  scaleRowsOp,
  scatterAddOp,
  topKOp,
  ...updateOps,
];
