import { GsasError, OutOfMemoryError } from '../base/errors.js';
import { DeviceMemory, type Holding, mebibytes } from './memory.js';

/** A GPU buffer that belongs to a pool. `id` is unique within the device: bind groups are cached by it. */
export interface PooledBuffer extends Holding {
  readonly id: number;
  readonly gpu: GPUBuffer;
  /** The number of the last submit that uses it, so that the host never overwrites what a recorded command has yet to read. */
  lastUse: number;
}

const SMALLEST = 256;
const NAN_BITS = 0x7fc00000; // as an id, far beyond any table

/**
 * The size that is really allocated: the next of four steps between powers of two, so that at most a fifth is wasted and batches of nearly equal
 * length share buffers. Never more than `limit` for a size within it.
 */
export function sizeClass(bytes: number, limit: number): number {
  if (bytes <= SMALLEST) return SMALLEST;
  const step = 2 ** Math.max(6, Math.ceil(Math.log2(bytes)) - 3);
  const rounded = Math.ceil(bytes / step) * step;
  return bytes <= limit ? Math.min(rounded, limit) : rounded;
}

/** Buffers of one usage, kept for reuse. A request gets the smallest free buffer that fits; among equals, the one released last. */
export class BufferPool {
  /** By ascending size. */
  readonly #free: { bytes: number; buffers: PooledBuffer[] }[] = [];
  #created = 0;
  #peak = 0;
  #used = 0;

  constructor(
    private readonly device: GPUDevice,
    private readonly usage: number,
    /** The most bytes that a buffer may have. */
    readonly limit: number,
    private readonly nextId: () => number,
    private readonly memory = new DeviceMemory(),
    /** Fills new buffers with NaN, see `GpuOptions.poison`. */
    private readonly poison = false,
  ) {}

  /** Buffers created so far. */
  get created(): number {
    return this.#created;
  }

  /** The most bytes that were in use at any one time since the device was opened, or since `resetPeak`. */
  get peakBytes(): number {
    return this.#peak;
  }

  /** Forgets the peak before now. */
  resetPeak(): void {
    this.#peak = this.#used;
  }

  /**
   * @param purpose what it is for, as errors name it; with the tensor's `shape`, if it is for one
   * @throws OutOfMemoryError when the adapter can hold or bind no buffer of that size
   */
  acquire(bytes: number, purpose = '', shape?: readonly number[]): PooledBuffer {
    if (bytes > this.limit) {
      throw new OutOfMemoryError(
        `a buffer of ${mebibytes(bytes)} is needed, for ${named(purpose, shape)}, but this adapter binds at most ${mebibytes(this.limit)}`,
        'use a smaller batch, fewer negatives or a smaller embedding',
      );
    }
    const buffer = this.#takeFree(bytes) ?? this.#create(sizeClass(bytes, this.limit), named(purpose, shape));
    buffer.holders = 1;
    buffer.purpose = purpose;
    this.#used += buffer.bytes;
    this.#peak = Math.max(this.#peak, this.#used);
    return buffer;
  }

  /** Counts one more holder. @throws GsasError if the buffer is free already */
  hold(buffer: PooledBuffer): void {
    if (buffer.holders === 0) throw new GsasError(`a buffer of ${buffer.bytes} bytes was used after its release`);
    buffer.holders++;
  }

  /** Counts one holder less; the last one frees the buffer. @throws GsasError if it is free already, because two tensors would come to share it */
  release(buffer: PooledBuffer): void {
    if (buffer.holders === 0) throw new GsasError(`a buffer of ${buffer.bytes} bytes was released twice`);
    buffer.holders--;
    if (buffer.holders > 0) return;
    this.#used -= buffer.bytes;
    const free = this.#free.find(({ bytes }) => bytes === buffer.bytes);
    if (free) free.buffers.push(buffer);
    else {
      this.#free.push({ bytes: buffer.bytes, buffers: [buffer] });
      this.#free.sort((a, b) => a.bytes - b.bytes);
    }
  }

  #takeFree(bytes: number): PooledBuffer | undefined {
    return this.#free.find((free) => free.bytes >= bytes && free.buffers.length > 0)?.buffers.pop();
  }

  #create(size: number, asked: string): PooledBuffer {
    this.memory.check(size, asked);
    const gpu = this.device.createBuffer({ label: asked, size, usage: this.usage, mappedAtCreation: this.poison });
    if (this.poison) {
      new Uint32Array(gpu.getMappedRange()).fill(NAN_BITS);
      gpu.unmap();
    }
    this.#created++;
    const buffer = { id: this.nextId(), gpu, bytes: size, lastUse: 0, holders: 0, purpose: '' };
    this.memory.add(buffer);
    return buffer;
  }
}

function named(purpose: string, shape?: readonly number[]): string {
  const tensor = shape ? `a tensor [${shape.join(', ')}]` : 'a buffer';
  return purpose ? `${tensor} (${purpose})` : tensor;
}
