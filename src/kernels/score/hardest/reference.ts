/**
 * `hardestCandidates` in plain loops.
 * @param ids [T, k]
 * @returns [T, m]
 */
export function hardestReference(
  { h, table }: { h: Float64Array; table: Float64Array },
  ids: Uint32Array,
  { T, k, m, D }: { T: number; k: number; m: number; D: number },
): Uint32Array {
  const score = (t: number, id: number) => {
    let sum = 0;
    for (let d = 0; d < D; d++) sum += h[t * D + d] * table[id * D + d];
    return sum;
  };
  const chosen: number[] = [];
  for (let t = 0; t < T; t++) {
    const drawn = Array.from(ids.subarray(t * k, (t + 1) * k), (id, slot) => ({ id, slot, score: score(t, id) }));
    const best = drawn.sort((a, b) => b.score - a.score || a.slot - b.slot).slice(0, m);
    chosen.push(...best.sort((a, b) => a.slot - b.slot).map(({ id }) => id));
  }
  return Uint32Array.from(chosen);
}
