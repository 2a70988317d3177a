/**
 * rank = 1 + #{i in 1..N, not excluded : <h, table_i> > <h, table_target>}, or 0 where the target is excluded or its score not finite:
 * the sampled-free rank over the whole catalogue (Krichene, Rendle, "On sampled metrics for item recommendation", KDD 2020, section 2).
 */
export function rankReference(
  h: Float64Array,
  table: Float64Array,
  targets: Uint32Array,
  excluded: Uint32Array,
  numItems: number,
): Uint32Array {
  const [D, words] = [h, excluded].map(({ length }) => length / targets.length);
  return targets.map((target, row) => {
    const isOut = (item: number) => isExcluded(excluded, row, item, words);
    const score = (item: number) => scoreOf(h, table, row, item, D);
    if (isOut(target) || !Number.isFinite(score(target))) return 0;
    let rank = 1;
    for (let item = 1; item <= numItems; item++) if (!isOut(item) && score(item) > score(target)) rank++;
    return rank;
  });
}

export function scoreOf(h: Float64Array, table: Float64Array, row: number, item: number, D: number): number {
  let sum = 0;
  for (let d = 0; d < D; d++) sum += h[row * D + d] * table[item * D + d];
  return sum;
}

/** Bit `item` of a row of the mask [B, words]. */
export function isExcluded(excluded: Uint32Array, row: number, item: number, words: number): boolean {
  return ((excluded[row * words + (item >>> 5)] >>> (item & 31)) & 1) === 1;
}
