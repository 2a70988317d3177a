import type { Gpu } from '../../src/engine/gpu.js';
import type { Stream } from '../../src/engine/stream.js';
import { clock } from '../common/clock.js';

/** How long one piece of GPU work took, in milliseconds. */
export interface Times {
  /** From the first command on the host until it knows that the GPU is done. */
  host: number;
  /** The sum over its kernels by the GPU's own timestamps; undefined where the adapter has none, or where it only copies. */
  gpu: number | undefined;
}

/** Times GPU work from both sides. */
export class GpuClock {
  /** @param gpu opened with `profile` where the adapter has timestamps */
  constructor(readonly gpu: Gpu) {}

  /** Times what `record` puts on the stream, from recording it to its end. What was put there before is waited for first. */
  async time(stream: Stream, record: () => void): Promise<Times> {
    await stream.finish();
    await this.gpu.profiler?.take();
    const host = await clock(async () => {
      record();
      await stream.finish();
    });
    const kernels = (await this.gpu.profiler?.take()) ?? [];
    const gpu = kernels.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
    return { host, gpu: gpu > 0 ? gpu : undefined };
  }
}
