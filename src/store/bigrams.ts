/**
 * Finds the texts that share the most pairs of letters with another, in a time that hardly grows with their number, so that only few need to be compared
 * letter by letter. Pairs count within words and at their ends, once per text. The measure is Tversky's index ("Features of Similarity", 1977): pairs of
 * this text that the other one lacks count fully, extra pairs of the other one count a fifth.
 */
export class BigramIndex {
  /** Pair -> the numbers of the texts that hold it. */
  readonly #holders = new Map<string, number[]>();
  /** Pairs of each text. */
  readonly #sizes: Uint16Array;

  /** @param texts each as its words */
  constructor(texts: readonly (readonly string[])[]) {
    this.#sizes = new Uint16Array(texts.length);
    texts.forEach((words, i) => {
      const pairs = pairsOf(words);
      this.#sizes[i] = pairs.size;
      for (const pair of pairs) {
        const holders = this.#holders.get(pair);
        if (holders) holders.push(i);
        else this.#holders.set(pair, [i]);
      }
    });
  }

  /** The numbers of the `count` texts most similar to these words, best first; only texts that share a pair. */
  likest(words: readonly string[], count: number): number[] {
    const pairs = pairsOf(words);
    const shared = new Uint16Array(this.#sizes.length);
    for (const pair of pairs) for (const i of this.#holders.get(pair) ?? []) shared[i]++;
    const likeness = Float32Array.from(shared, (both, i) => both / (pairs.size + (this.#sizes[i] - both) / 5));
    const found = Array.from(shared.keys()).filter((i) => shared[i] > 0);
    return found.sort((a, b) => likeness[b] - likeness[a] || a - b).slice(0, count);
  }
}

function pairsOf(words: readonly string[]): Set<string> {
  const pairs = new Set<string>();
  for (const word of words) {
    const letters = ` ${word} `;
    for (let i = 1; i < letters.length; i++) pairs.add(letters.slice(i - 1, i + 1));
  }
  return pairs;
}
