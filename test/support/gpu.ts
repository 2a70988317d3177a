import type { Gpu, GpuOptions } from '../../src/engine/gpu.js';
import { openGpu } from '../../src/node/gpu.js';

/** A device on the adapter that every command would choose (GSAS_ADAPTER forces another). */
export function openTestGpu(options: GpuOptions = {}): Promise<Gpu> {
  return openGpu(options);
}
