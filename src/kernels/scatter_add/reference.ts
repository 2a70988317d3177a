/** into[r] += sum over the pairs p with ids[p] = r of weights[p] source[floor(p / share)]; `into` is changed in place and returned. */
export function scatterAddReference(
  ids: Uint32Array,
  weights: ArrayLike<number> | undefined,
  source: Float64Array,
  into: Float64Array,
  D: number,
  share = 1,
): Float64Array {
  ids.forEach((id, pair) => {
    const row = Math.floor(pair / share) * D;
    for (let d = 0; d < D; d++) into[id * D + d] = into[id * D + d] + (weights?.[pair] ?? 1) * source[row + d];
  });
  return into;
}
