import { DeviceError } from '../base/errors.js';
import { Gpu, type GpuOptions } from '../engine/gpu.js';
import { requestAdapter } from './adapter.js';

/** A GPU that is not there, as far as kernels ask about it. */
export interface ImaginedHardware {
  /** Fewest and most lanes of a subgroup; null where it has no subgroups. */
  readonly lanes: readonly [number, number] | null;
}

/**
 * A device at WebGPU's default limits on which nothing runs: shaders are compiled and commands checked as on any other, and what comes back
 * is zeros (Dawn's null backend).
 * @throws DeviceError where this platform has no Dawn
 */
export async function openNullGpu({ lanes }: ImaginedHardware, options: GpuOptions = {}): Promise<Gpu> {
  const { adapter } = await requestAdapter(['backend=null']);
  if (!adapter) throw new DeviceError('Dawn has no null backend here');
  const [subgroupMinSize, subgroupMaxSize] = lanes ?? [0, 0];
  const info = { description: 'Dawn null backend', isFallbackAdapter: false, subgroupMinSize, subgroupMaxSize };
  const hidden = lanes ? [] : ['subgroups', 'subgroup-size-control'];
  const imagined = {
    info,
    limits: adapter.limits,
    features: new Set([...adapter.features].filter((feature) => !hidden.includes(feature))),
    requestDevice: (descriptor: GPUDeviceDescriptor) => adapter.requestDevice(descriptor),
  };
  return Gpu.open(imagined as unknown as GPUAdapter, options);
}
