import type { Gpu } from '../../src/engine/gpu.js';
import type { Stream } from '../../src/engine/stream.js';
import { clock } from '../common/clock.js';

/** How long one piece of GPU work took, in milliseconds. */
export interface Times {
  /** From the first command on the host until it knows that the GPU is done. */
  host: number;
  /** The sum over its kernels by the GPU's timestamps; undefined if the adapter has none, or the work only copies. */
  gpu: number | undefined;
}

/** Times GPU work on the host and on the GPU. */
export class GpuClock {
  /** @param gpu opened with `profile` if the adapter has timestamps */
  constructor(readonly gpu: Gpu) {}

  /** Times what `record` puts on the stream, from recording to completion. Waits for earlier work first. */
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
