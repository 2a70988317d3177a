import { OutOfMemoryError } from '../base/errors.js';

/** A buffer, and what for. */
export interface Holding {
  readonly bytes: number;
  /** How many tensors hold it. It is free at 0. */
  holders: number;
  /** What it was acquired for last, such as a phase of a training step. */
  purpose: string;
}

/** The buffers that the pools of a device have created, and how many bytes they may take in all. */
export class DeviceMemory {
  /** Weakly: a buffer whose tensor was dropped without a release may be collected. */
  readonly #buffers: WeakRef<Holding>[] = [];
  #bytes = 0;

  constructor(private readonly most = Infinity) {}

  /** @param asked what the buffer is for. @throws OutOfMemoryError if it is larger than what is left */
  check(bytes: number, asked: string): void {
    if (this.#bytes + bytes <= this.most) return;
    throw new OutOfMemoryError(
      `a buffer of ${mebibytes(bytes)} is needed for ${asked} and ${this.describe()}, but there are only ${mebibytes(this.most)}`,
      'use a smaller batch, a shorter window, a smaller embedding or fewer blocks',
    );
  }

  add(buffer: Holding): void {
    this.#buffers.push(new WeakRef(buffer));
    this.#bytes += buffer.bytes;
  }

  /** What is held, and for what, the largest part first. */
  describe(): string {
    const parts = new Map<string, number>();
    for (const reference of this.#buffers) {
      const buffer = reference.deref();
      if (!buffer) continue;
      const part = buffer.holders === 0 ? 'free for reuse' : buffer.purpose || 'other';
      parts.set(part, (parts.get(part) ?? 0) + buffer.bytes);
    }
    const listed = [...parts].sort((a, b) => b[1] - a[1]).map(([part, bytes]) => `${part} ${mebibytes(bytes)}`);
    return `${mebibytes(this.#bytes)} are held already${listed.length > 0 ? ` (${listed.join(', ')})` : ''}`;
  }
}

/** Bytes for a person. */
export function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
