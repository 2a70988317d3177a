import { OutOfMemoryError } from '../base/errors.js';
import type { Gpu } from '../engine/gpu.js';
import { mebibytes } from '../engine/memory.js';
import type { ModelConfig } from './architecture.js';
import { parameterCount } from './config.js';

/**
 * Checks that a table with a row for each item fits one binding of the adapter.
 * @throws OutOfMemoryError that says how many items, or which embedding_dim, would fit
 */
export function checkTables(
  gpu: Gpu,
  {
    num_items: N,
    embedding_dim: D,
    num_heads = 1,
  }: Pick<ModelConfig, 'num_items' | 'embedding_dim'> & { num_heads?: number },
): void {
  const { limit } = gpu.pool;
  const bytes = 4 * (N + 2) * D;
  if (bytes <= limit) return;
  const widest = Math.floor(limit / (4 * (N + 2) * num_heads)) * num_heads;
  const narrower = widest > 0 ? `embedding_dim ${widest} at most, or ` : '';
  throw new OutOfMemoryError(
    `the table of ${N} items at embedding_dim ${D} takes ${mebibytes(bytes)}, but this adapter binds at most ${mebibytes(limit)}`,
    `use ${narrower}${Math.floor(limit / (4 * D)) - 2} items at most, or an adapter that binds more (gsas-wgpu doctor lists them)`,
  );
}

/**
 * Checks that the parameters fit the host's memory, before any of them is drawn.
 * @param copies of all parameters that the work holds at one time: on the host and, where the adapter computes there, on the device
 * @throws OutOfMemoryError that says what they take and what there is
 */
export function checkParameters(gpu: Gpu, config: ModelConfig, copies: { host: number; device: number }): void {
  const count = parameterCount(config);
  const bytes = 4 * count * (copies.host + (gpu.capabilities.software ? copies.device : 0));
  if (bytes <= gpu.hostMemory) return;
  throw new OutOfMemoryError(
    `the ${count} parameters of this model and what goes with them take ${mebibytes(bytes)}, but this machine has ${mebibytes(gpu.hostMemory)}`,
    'use a smaller embedding_dim, fewer blocks or fewer items',
  );
}
