import { BufferUsage } from './flags.js';
import type { Gpu } from './gpu.js';
import type { PooledBuffer } from './pool.js';
import type { Program } from './program.js';

/** A driver that takes less than this for all shaders found them on disk. */
const PATIENCE = 150; // milliseconds
const SMALL = 4096; // bytes, more than any binding's least size

/**
 * Makes the driver compile the shaders that are new to the device. Mesa's software driver would compile each at its first launch, one after the
 * other, which delays the first training step by many seconds. Each is launched with no workgroups, so nothing runs. Where that takes long,
 * other devices (`GpuOptions.compilers`) take a share: the driver stores compiled shaders on disk, by content, and finds them there.
 * Does nothing for a device that was opened without `compilers`. Never fails: an error surfaces where the shader is used.
 * @param signal once it is aborted, no further shader is begun
 */
export async function compileAhead(gpu: Gpu, signal?: AbortSignal): Promise<void> {
  const programs = gpu.pipelines.takeNew();
  if (!gpu.compilers || programs.length === 0) return;
  const queue = untilAborted(programs, signal);
  const bindings = Math.max(...programs.map((program) => program.bindings.length));
  let compiled = false;
  const own = compileFrom(queue, gpu, bindings).then(() => {
    compiled = true;
  });
  await Promise.race([own, new Promise((resolve) => setTimeout(resolve, PATIENCE))]);
  if (!compiled && !signal?.aborted) {
    const helpers = await gpu.compilers().catch(() => []);
    await Promise.all(helpers.map((helper) => compileFrom(queue, helper, bindings).finally(() => helper.close())));
  }
  await own;
}

function* untilAborted(programs: readonly Program[], signal: AbortSignal | undefined): Generator<Program> {
  for (const program of programs) {
    if (signal?.aborted) return;
    yield program;
  }
}

/** Compiles programs of up to so many bindings from the queue until it is empty. Several devices share one queue. */
async function compileFrom(queue: IterableIterator<Program>, gpu: Gpu, bindings: number): Promise<void> {
  const { device, pool, pipelines } = gpu;
  const buffers = Array.from({ length: bindings }, () => pool.acquire(SMALL, 'compiling'));
  const uniforms = device.createBuffer({ size: SMALL, usage: BufferUsage.UNIFORM });
  const none = device.createBuffer({ size: 12, usage: BufferUsage.INDIRECT }); // of zeros: an explicit 0 would make Dawn warn
  const ring: PooledBuffer = {
    id: gpu.nextId(),
    gpu: uniforms,
    bytes: SMALL,
    lastUse: 0,
    holders: 1,
    purpose: 'uniforms',
  };
  for (const program of queue) {
    const pipeline = pipelines.pipeline(program);
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline.gpu);
    const used = buffers.slice(0, program.bindings.length).map((buffer) => ({ buffer, offset: 0 }));
    const offsets = program.uniforms.length > 0 ? [0] : [];
    pass.setBindGroup(0, pipelines.bindGroup(program, pipeline, ring, used), offsets);
    pass.dispatchWorkgroupsIndirect(none, 0);
    pass.end();
    device.queue.submit([encoder.finish()]);
    await gpu.idle();
  }
  for (const buffer of buffers) pool.release(buffer);
  uniforms.destroy();
  none.destroy();
}
