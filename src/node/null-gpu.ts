import { DeviceError } from '../base/errors.js';
import { Gpu, type GpuOptions } from '../engine/gpu.js';
import { requestAdapter } from './adapter.js';

/** The properties of an imaginary GPU that kernels depend on. */
export interface ImaginedHardware {
  /** Fewest and most lanes of a subgroup; null for no subgroups. */
  readonly lanes: readonly [number, number] | null;
  /** Whether shaders may state their subgroups' size. Default: true. */
  readonly sizeControl?: boolean;
}

/**
 * A device with WebGPU's default limits on which nothing runs (Dawn's null backend). Shaders are compiled and commands checked as on any other device,
 * and all results are zeros.
 * @throws DeviceError if there is no Dawn for this platform
 */
export async function openNullGpu(
  { lanes, sizeControl = true }: ImaginedHardware,
  options: GpuOptions = {},
): Promise<Gpu> {
  const { adapter } = await requestAdapter(['backend=null']);
  if (!adapter) throw new DeviceError('Dawn has no null backend here');
  const [subgroupMinSize, subgroupMaxSize] = lanes ?? [0, 0];
  const info = { description: 'Dawn null backend', isFallbackAdapter: false, subgroupMinSize, subgroupMaxSize };
  const hidden = [...(lanes ? [] : ['subgroups']), ...(lanes && sizeControl ? [] : ['subgroup-size-control'])];
  const imagined = {
    info,
    limits: adapter.limits,
    features: new Set([...adapter.features].filter((feature) => !hidden.includes(feature))),
    requestDevice: (descriptor: GPUDeviceDescriptor) => adapter.requestDevice(descriptor),
  };
  return Gpu.open(imagined as unknown as GPUAdapter, { probe: false, ...options });
}
