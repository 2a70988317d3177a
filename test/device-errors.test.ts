import { describe, expect, it } from 'vitest';
import { globals } from 'webgpu';
import { DeviceError, DeviceLostError, OutOfMemoryError, ShaderError } from '../src/base/errors.js';
import type { Gpu } from '../src/engine/gpu.js';
import { parseProgram } from '../src/engine/program.js';
import { Stream } from '../src/engine/stream.js';
import { resolveConfig } from '../src/train/config.js';
import { checkTraining } from '../src/train/trainer.js';
import { openTestGpu } from './support/gpu.js';
import { SCALE } from './support/scale.js';

const { GPUOutOfMemoryError, GPUInternalError } = globals as unknown as Pick<
  typeof globalThis,
  'GPUOutOfMemoryError' | 'GPUInternalError'
>;

describe('errors of the GPU', () => {
  const withGpu = (name: string, work: (gpu: Gpu, stream: Stream) => Promise<void>) =>
    it(name, async () => {
      const gpu = await openTestGpu();
      await work(gpu, new Stream(gpu));
      gpu.close();
    });

  const BROKEN = parseProgram(
    'broken',
    `@group(0) @binding(1) var<storage, read_write> y: array<f32>; // [1]
@compute @workgroup_size(1)
fn main() { y[0] = 1u; }`,
  );

  const GREEDY = parseProgram(
    'greedy',
    `@group(0) @binding(1) var<storage, read_write> y: array<f32, 1000000>; // [1000000]
@compute @workgroup_size(1)
fn main() { y[0] = 1.0; }`,
  );

  withGpu('a shader that does not compile is reported with its numbered source', async (_, stream) => {
    const y = stream.empty([1]);
    stream.dispatch(BROKEN, { y }, 1);
    const error: ShaderError = await stream.read(y).then(
      () => expect.unreachable(),
      (error) => error,
    );
    expect(error).toBeInstanceOf(ShaderError);
    expect(error.message).toMatch(/^shader broken, line 3: .*cannot assign/);
    expect(error.source).toBe(BROKEN.source);
    expect(error.report).toContain('   3 | fn main() { y[0] = 1u; }\n     ^ ');
    expect(() => stream.submit()).toThrow(ShaderError);
  });

  withGpu('a command that the GPU refuses is thrown by the next submit', async (gpu, stream) => {
    const x = stream.zeros([1]);
    await stream.finish();
    const tooMany = gpu.device.limits.maxComputeWorkgroupsPerDimension + 1;
    stream.dispatch(SCALE, { x, y: stream.empty([1]), at: 0, factor: 1 }, [tooMany, 1]);
    await expect(stream.read(x)).rejects.toThrow(/^the GPU refused a command of scale: .*65536/);
    expect(() => stream.submit()).toThrow(DeviceError);
    await expect(stream.finish()).rejects.toThrow(DeviceError);
  });

  withGpu(
    'a binding that a shader cannot use is refused with the name of its kernel, among others in one pass',
    async (_, stream) => {
      const y = stream.zeros([1]);
      const scale = () => stream.dispatch(SCALE, { x: y, y: stream.empty([1]), at: 0, factor: 1 }, 1);
      scale();
      stream.dispatch(GREEDY, { y }, 1);
      scale();
      await expect(stream.finish()).rejects.toThrow(
        /^the GPU refused a command of greedy: .*bound with size 256 .*4000000/,
      );
    },
  );

  const report = (gpu: Gpu, error: GPUError) =>
    gpu.device.dispatchEvent(Object.assign(new Event('uncapturederror', { cancelable: true }), { error }));

  withGpu('a fault inside the driver names the kernel, where the driver does', async (gpu, stream) => {
    report(
      gpu,
      new GPUInternalError(
        'vkCreateComputePipelines failed.\n - While calling [Device].CreateComputePipeline([ComputePipelineDescriptor ""scale""]).',
      ),
    );
    await expect(stream.finish()).rejects.toThrow(
      /^the GPU failed in a command of scale: vkCreateComputePipelines failed\.$/,
    );
  });

  withGpu(
    'running out of memory is told from other errors, with what was asked for and what is held',
    async (gpu, stream) => {
      stream.during('parameters', () => stream.zeros([2 ** 19]));
      stream.release(stream.zeros([2 ** 18]));
      report(gpu, new GPUOutOfMemoryError('Failed to allocate 1 GiB.\nbacktrace'));
      expect(() => stream.submit()).toThrow(OutOfMemoryError);
      expect(() => stream.submit()).toThrow(
        'the GPU is out of memory: Failed to allocate 1 GiB.; 3.0 MiB are held already (parameters 2.0 MiB, free for reuse 1.0 MiB); use a smaller batch',
      );
    },
  );

  withGpu('a buffer that the driver cannot give is named', async (gpu, stream) => {
    report(
      gpu,
      new GPUOutOfMemoryError(
        'vkCreateBuffer failed with VK_ERROR_OUT_OF_DEVICE_MEMORY\n - While calling [Device].CreateBuffer([BufferDescriptor ""a tensor [7, 9] (forward)""]).\n',
      ),
    );
    expect(() => stream.submit()).toThrow(
      /^the GPU is out of memory: vkCreateBuffer failed with VK_ERROR_OUT_OF_DEVICE_MEMORY, for a tensor \[7, 9\] \(forward\); /,
    );
  });

  it('a software adapter gives no more memory than the machine has, where the system would kill the process', async () => {
    const small = await openTestGpu({ hostMemory: 2 ** 20 });
    const { software } = small.capabilities;
    const stream = new Stream(small);
    const half = () => stream.zeros([2 ** 17]);
    half();
    half();
    if (software)
      expect(half).toThrow(
        /^a buffer of 0\.5 MiB is needed for a tensor \[131072\] and 1\.0 MiB are held already \(other 1\.0 MiB\), but there are only 1\.0 MiB; use a smaller batch/,
      );
    const config = resolveConfig(100, [{ embedding_dim: 4096, num_heads: 4, num_blocks: 128 }]);
    expect(() => checkTraining(small, config)).toThrow(OutOfMemoryError);
    expect(() => checkTraining(small, config)).toThrow(
      /^the \d+ parameters of this model and what goes with them take .* MiB, but this machine has 1\.0 MiB; use/,
    );
    small.close();
  });

  withGpu('a lost device is reported by the reads under way and by the next ones', async (gpu, stream) => {
    const x = stream.zeros([1]);
    const underWay = stream.read(x);
    gpu.device.destroy();
    await expect(underWay).rejects.toThrow(DeviceLostError);
    await expect(stream.read(x)).rejects.toThrow(
      /^the GPU device was lost \(destroyed\): .*; restart from the last checkpoint$/,
    );
    await expect(stream.finish()).rejects.toThrow(DeviceLostError);
  });

  withGpu('a lost device is reported although nothing was under way', async (gpu, stream) => {
    const x = stream.zeros([1]);
    await stream.finish();
    gpu.device.destroy();
    await expect(stream.read(x)).rejects.toThrow(DeviceLostError);
  });

  it('a lost device leaves no unhandled rejection behind the times that nobody takes', async () => {
    const gpu = await openTestGpu({ profile: true });
    const stream = new Stream(gpu);
    stream.dispatch(SCALE, { x: stream.zeros([1]), y: stream.empty([1]), at: 0, factor: 1 }, 1);
    stream.submit();
    gpu.device.destroy();
    await gpu.device.lost;
    await expect(gpu.profiler!.take()).rejects.toThrow();
  });

  withGpu('closing ends the reads under way by an error that says so', async (gpu, stream) => {
    const underWay = stream.read(stream.zeros([1]));
    gpu.close();
    await expect(underWay).rejects.toThrow(new DeviceError('the GPU was closed before its work was done'));
  });

  withGpu('closing is no loss', async (gpu, stream) => {
    gpu.close();
    await gpu.device.lost;
    expect(() => stream.submit()).not.toThrow();
  });
});
