import { create } from 'webgpu';
import { Gpu, type GpuOptions } from '../../src/engine/gpu.js';

const keep: unknown[] = [];
export async function openTestGpu(options: GpuOptions = {}): Promise<Gpu> {
  process.env.VK_ICD_FILENAMES ??= '/usr/share/vulkan/icd.d/lvp_icd.json';
  const gpu = create([]);
  keep.push(gpu);
  const adapter = await gpu.requestAdapter();
  return Gpu.open(adapter!, options);
}
