import { Gpu, type GpuOptions } from '../engine/gpu.js';
import { type AdapterOptions, openAdapter } from './adapter.js';
import { restDuring } from './rest.js';

/**
 * A device on the adapter that `openAdapter` chooses.
 * @throws what openAdapter and Gpu.open throw: InputError for an unknown adapter's name, DeviceError for a missing one.
 */
export async function openGpu(options: AdapterOptions & GpuOptions = {}): Promise<Gpu> {
  const { adapter } = await openAdapter(options);
  return Gpu.open(adapter, { onWait: restDuring, ...options });
}
