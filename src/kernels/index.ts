import type { AnyOp } from '../engine/kernel.js';
import { adamOp } from './adam/index.js';
import { addOp } from './add/index.js';
import { columnSumOp } from './column_sum/index.js';
import { layerNormOp } from './layer_norm/index.js';

/** Every operation there is: tests, gradient checks, benches and `gsas-wgpu kernels` walk this list and no other. */
export const registry: readonly AnyOp[] = [adamOp, addOp, columnSumOp, layerNormOp];
