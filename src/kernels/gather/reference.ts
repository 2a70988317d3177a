/** y[p] = table[ids[p]]. */
export function gatherReference(table: Float64Array, ids: Uint32Array, D: number): Float64Array {
  const y = new Float64Array(ids.length * D);
  ids.forEach((id, pair) => {
    y.set(table.subarray(id * D, (id + 1) * D), pair * D);
  });
  return y;
}
