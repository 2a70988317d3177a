/**
 * Philox 4x32-10, a counter-based random number generator: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3",
 * SC 2011. Four 32-bit words are a pure function of a 128-bit counter and a 64-bit key, so any draw can be repeated anywhere.
 * The TypeScript and the WGSL below are tested against the published known answers and against each other.
 */

const M0 = 0xd2511f53;
const M1 = 0xcd9e8d57;
const W0 = 0x9e3779b9; // golden ratio
const W1 = 0xbb67ae85; // sqrt(3) - 1

type Word4 = readonly [number, number, number, number];

/** The high 32 bits of the 64-bit product of two unsigned 32-bit integers. */
export function multiplyHigh(a: number, b: number): number {
  const a0 = a & 0xffff;
  const a1 = a >>> 16;
  const b0 = b & 0xffff;
  const b1 = b >>> 16;
  const middle = a1 * b0 + ((a0 * b0) >>> 16); // below 2^32
  const low = (middle & 0xffff) + a0 * b1; // below 2^32
  return (a1 * b1 + Math.floor(middle / 65536) + Math.floor(low / 65536)) >>> 0;
}

export function philox4x32(counter: Word4, key: readonly [number, number]): Uint32Array {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(M0, c0);
    const high1 = multiplyHigh(M1, c2);
    const low0 = Math.imul(M0, c0) >>> 0;
    const low1 = Math.imul(M1, c2) >>> 0;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + W0) >>> 0;
    k1 = (k1 + W1) >>> 0;
  }
  return Uint32Array.of(c0, c1, c2, c3);
}

/** WGSL: `multiply_high(a, b)` and `philox(counter: vec4u, key: vec2u) -> vec4u`. */
export const PHILOX_WGSL = /* wgsl */ `
fn multiply_high(a: u32, b: u32) -> u32 {
  let a0 = a & 0xffffu; let a1 = a >> 16u;
  let b0 = b & 0xffffu; let b1 = b >> 16u;
  let middle = a1 * b0 + ((a0 * b0) >> 16u);
  let low = (middle & 0xffffu) + a0 * b1;
  return a1 * b1 + (middle >> 16u) + (low >> 16u);
}

fn philox(counter: vec4u, key: vec2u) -> vec4u {
  var c = counter;
  var k = key;
  for (var round = 0u; round < 10u; round++) {
    c = vec4u(
      multiply_high(${M1}u, c.z) ^ c.y ^ k.x,
      ${M1}u * c.z,
      multiply_high(${M0}u, c.x) ^ c.w ^ k.y,
      ${M0}u * c.x,
    );
    k += vec2u(${W0}u, ${W1}u);
  }
  return c;
}
`;

/** A stream of host random numbers, the same on every machine: Philox words in order, keyed by (seed, stream). */
export class HostRandom {
  #block = 0;
  #words: Uint32Array = new Uint32Array(0);
  #next = 4;
  #spare: number | undefined;

  constructor(
    private readonly seed: number,
    private readonly stream = 0,
  ) {}

  /** The next 32 random bits, 0 to 2^32 - 1. */
  u32(): number {
    if (this.#next >= 4) {
      this.#words = philox4x32(
        [this.#block >>> 0, Math.floor(this.#block / 2 ** 32), 0, 0],
        [this.seed >>> 0, this.stream >>> 0],
      );
      this.#block++;
      this.#next = 0;
    }
    return this.#words[this.#next++];
  }

  /** Uniform on [0, 1), with 32 random bits. */
  uniform(): number {
    return this.u32() / 2 ** 32;
  }

  /** Uniform on 0..n-1 for n below 2^32 (Lemire's product, whose bias is below n / 2^32). */
  integer(n: number): number {
    return multiplyHigh(this.u32(), n);
  }

  /** Standard normal (Box and Muller). */
  normal(): number {
    if (this.#spare !== undefined) {
      const spare = this.#spare;
      this.#spare = undefined;
      return spare;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.#spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /** Permutes `items` in place (Fisher and Yates). */
  shuffle<T extends { length: number; [index: number]: number }>(items: T): T {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      const swap = items[i];
      items[i] = items[j];
      items[j] = swap;
    }
    return items;
  }
}
