import { GsasError } from '../base/errors.js';
import { BufferUsage } from './flags.js';
import type { PooledBuffer } from './pool.js';
import type { Program } from './program.js';

const SLOT = 256; // the largest alignment that WebGPU lets an adapter ask of a dynamic uniform offset
const FIRST_SLOTS = 512;

/** Bytes of the uniform binding: a WGSL uniform struct of scalars, rounded up to 16. */
export function uniformBytes(program: Program): number {
  return Math.ceil((program.uniforms.length * 4) / 16) * 16;
}

/** The uniforms of all launches of a submit, in one buffer at aligned offsets, sent with one write before the submit. */
export class UniformRing {
  #view = new DataView(new ArrayBuffer(FIRST_SLOTS * SLOT));
  #used = 0;
  #buffer: PooledBuffer | undefined;

  constructor(
    private readonly device: GPUDevice,
    private readonly nextId: () => number,
  ) {}

  get full(): boolean {
    return this.#used * SLOT === this.#view.byteLength;
  }

  get buffer(): PooledBuffer {
    if (!this.#buffer) {
      const size = this.#view.byteLength;
      const gpu = this.device.createBuffer({
        label: 'uniforms',
        size,
        usage: BufferUsage.UNIFORM | BufferUsage.COPY_DST,
      });
      this.#buffer = { id: this.nextId(), gpu, bytes: size, lastUse: 0, holders: 1, purpose: 'uniforms' };
    }
    return this.#buffer;
  }

  /** Packs named numbers in the order of the program's `struct Params`. Returns their offset in the buffer. */
  push(program: Program, values: Record<string, unknown>): number {
    const offset = this.#used++ * SLOT;
    program.uniforms.forEach(({ name, type }, i) => {
      const value = values[name];
      if (typeof value !== 'number')
        throw new GsasError(`${program.name}: uniform ${name} is ${String(value)}, not a number`);
      const at = offset + 4 * i;
      if (type === 'f32') this.#view.setFloat32(at, value, true);
      else if (type === 'u32') this.#view.setUint32(at, value, true);
      else this.#view.setInt32(at, value, true);
    });
    return offset;
  }

  /** Sends what was pushed. The queue keeps it in order with the submits on either side, so the next push starts at offset 0. */
  flush(): void {
    if (this.#used > 0) this.device.queue.writeBuffer(this.buffer.gpu, 0, this.#view.buffer, 0, this.#used * SLOT);
    this.#used = 0;
  }

  discard(): void {
    this.#used = 0;
  }

  /** Doubles the slots, for steps with more launches. Call it only after `flush` or `discard`. */
  grow(): void {
    this.#view = new DataView(new ArrayBuffer(2 * this.#view.byteLength));
    this.#buffer = undefined;
  }
}
