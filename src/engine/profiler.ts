import { BufferUsage, MapMode } from './flags.js';

const CAPACITY = 2048; // passes a submit; a query set holds at most 4096 timestamps

/** GPU time of one kernel in one phase, summed over its launches. */
export interface KernelTime {
  name: string;
  /** The stream's `phase` when it was launched. */
  phase: string;
  launches: number;
  /** Of its passes, see `passTimes`. */
  milliseconds: number;
}

/** GPU time per kernel by timestamp queries: every dispatch becomes a pass of its own with a timestamp at either end. */
export class Profiler {
  readonly #queries: GPUQuerySet;
  readonly #resolved: GPUBuffer;
  readonly #times = new Map<string, KernelTime>();
  readonly #pending: Promise<void>[] = [];
  #passes: { name: string; phase: string }[] = [];

  constructor(private readonly device: GPUDevice) {
    this.#queries = device.createQuerySet({ type: 'timestamp', count: 2 * CAPACITY });
    this.#resolved = device.createBuffer({
      size: 16 * CAPACITY,
      usage: BufferUsage.QUERY_RESOLVE | BufferUsage.COPY_SRC,
    });
  }

  /** True when the submit in preparation can hold no further pass. */
  get full(): boolean {
    return this.#passes.length === CAPACITY;
  }

  /** A compute pass with a timestamp at either end, for one launch of the kernel. */
  begin(encoder: GPUCommandEncoder, name: string, phase: string): GPUComputePassEncoder {
    const at = 2 * this.#passes.length;
    this.#passes.push({ name, phase });
    return encoder.beginComputePass({
      label: name,
      timestampWrites: { querySet: this.#queries, beginningOfPassWriteIndex: at, endOfPassWriteIndex: at + 1 },
    });
  }

  /** Drops the passes of a submit that will not happen. */
  discard(): void {
    this.#passes = [];
  }

  /** Records the copy of the timestamps. Call the function that it returns after the submit, to read them. */
  resolve(encoder: GPUCommandEncoder): () => void {
    const passes = this.#passes;
    this.#passes = [];
    if (passes.length === 0) return () => {};
    const size = 16 * passes.length;
    const staging = this.device.createBuffer({ size, usage: BufferUsage.MAP_READ | BufferUsage.COPY_DST });
    encoder.resolveQuerySet(this.#queries, 0, 2 * passes.length, this.#resolved, 0);
    encoder.copyBufferToBuffer(this.#resolved, 0, staging, 0, size);
    return () => {
      const collected = this.#collect(passes, staging);
      collected.catch(() => {}); // `take` still throws the error
      this.#pending.push(collected);
    };
  }

  /** Time per kernel and phase since the last call, longest first. Waits for the work that has been submitted. */
  async take(): Promise<KernelTime[]> {
    await Promise.all(this.#pending.splice(0));
    const times = [...this.#times.values()].sort((a, b) => b.milliseconds - a.milliseconds);
    this.#times.clear();
    return times;
  }

  async #collect(passes: readonly { name: string; phase: string }[], staging: GPUBuffer): Promise<void> {
    await staging.mapAsync(MapMode.READ);
    const milliseconds = passTimes(new BigUint64Array(staging.getMappedRange()));
    passes.forEach(({ name, phase }, i) => {
      const key = `${phase} ${name}`;
      const time = this.#times.get(key) ?? { name, phase, launches: 0, milliseconds: 0 };
      time.launches++;
      time.milliseconds += milliseconds[i];
      this.#times.set(key, time);
    });
    staging.unmap();
    staging.destroy();
  }
}

/**
 * Milliseconds of each pass of a submit. A pass counts from the end of the one before it where that is later than its own beginning: on Vulkan the stamp
 * at the beginning is taken before the barrier that makes the pass wait for what it reads, so that waiting would count twice.
 * @param stamps nanoseconds at the beginning and at the end of each pass, in the order of the passes
 */
export function passTimes(stamps: BigUint64Array): number[] {
  let end = 0n;
  return Array.from({ length: stamps.length / 2 }, (_, i) => {
    const from = stamps[2 * i] > end ? stamps[2 * i] : end;
    if (stamps[2 * i + 1] > end) end = stamps[2 * i + 1];
    return Number(end > from ? end - from : 0n) / 1e6;
  });
}
