/**
 * The part of numpy's legacy generator with which the official code draws its validation users.
 *
 * MT19937: Matsumoto, Nishimura, "Mersenne Twister", ACM TOMACS 8(1), 1998, as `numpy.random.RandomState(seed)` seeds it.
 */
class MersenneTwister {
  readonly #state = new Uint32Array(624);
  #at = 624;

  /** @param seed a whole number below 2^32 */
  constructor(seed: number) {
    this.#state[0] = seed;
    for (let i = 1; i < 624; i++) {
      const previous = this.#state[i - 1];
      this.#state[i] = Math.imul(1812433253, previous ^ (previous >>> 30)) + i;
    }
  }

  /** 32 random bits. */
  next(): number {
    if (this.#at === 624) this.#twist();
    let word = this.#state[this.#at++];
    word ^= word >>> 11;
    word ^= (word << 7) & 0x9d2c5680;
    word ^= (word << 15) & 0xefc60000;
    return (word ^ (word >>> 18)) >>> 0;
  }

  #twist(): void {
    const state = this.#state;
    for (let i = 0; i < 624; i++) {
      const word = (state[i] & 0x80000000) | (state[(i + 1) % 624] & 0x7fffffff);
      state[i] = state[(i + 397) % 624] ^ (word >>> 1) ^ (word & 1 ? 0x9908b0df : 0);
    }
    this.#at = 0;
  }

  /** Uniform on 0..max, by rejection, as numpy's legacy `random_interval`. */
  upTo(max: number): number {
    const mask = 2 ** (32 - Math.clz32(max)) - 1;
    let value: number;
    do value = (this.next() & mask) >>> 0;
    while (value > max);
    return value;
  }
}

/**
 * `numpy.random.RandomState(seed).choice(population, count, replace=False)`, bit for bit: the first of a shuffled 0..population-1.
 * @param population below 2^32
 * @param count at most `population`
 */
export function numpyChoice(seed: number, population: number, count: number): Uint32Array {
  const random = new MersenneTwister(seed);
  const order = Uint32Array.from({ length: population }, (_, i) => i);
  for (let i = population - 1; i > 0; i--) {
    const j = random.upTo(i);
    const swapped = order[i];
    order[i] = order[j];
    order[j] = swapped;
  }
  return order.subarray(0, count);
}
