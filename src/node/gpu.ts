import { availableParallelism, totalmem } from 'node:os';
import { Gpu, type GpuOptions } from '../engine/gpu.js';
import { type AdapterOptions, openAdapter } from './adapter.js';
import { restDuring } from './rest.js';
import { loadTuning, tunedFor, tuningWanted } from './tuning-cache.js';

/** With more devices, the slowest shader decides the time. */
const MOST_COMPILERS = 6;
/** What the system and the rest of the process leave. */
const SHARE = 0.9;

/**
 * A device on the adapter that `openAdapter` chooses, with kernels as tuned for it (see `tune`).
 * @throws what openAdapter and Gpu.open throw: InputError for an unknown adapter's name, DeviceError for a missing one.
 */
export async function openGpu(options: AdapterOptions & GpuOptions = {}): Promise<Gpu> {
  const { adapter, name } = await openAdapter(options);
  const compilers = name.includes('llvmpipe') ? { compilers: () => openCompilers(options) } : {};
  const gpu = await Gpu.open(adapter, { onWait: restDuring, hostMemory: hostMemory(), ...compilers, ...options });
  if (tuningWanted()) for (const answer of loadTuning(tunedFor(adapter.info))) gpu.tuning.add(answer);
  return gpu;
}

/** Bytes that this process can have of the machine's memory, or of its container's. */
function hostMemory(): number {
  const constrained = process.constrainedMemory();
  return SHARE * Math.min(totalmem(), constrained > 0 ? constrained : Infinity);
}

/** Devices on the same adapter on which the other processors can compile shaders: lavapipe compiles one at a time per device. */
async function openCompilers(options: AdapterOptions & GpuOptions): Promise<Gpu[]> {
  const others = Math.min(availableParallelism(), MOST_COMPILERS) - 1;
  const open = async () => {
    const { adapter } = await openAdapter(options);
    return Gpu.open(adapter, { onWait: restDuring, ...options, profile: false, probe: false });
  };
  return Promise.all(Array.from({ length: others }, open));
}
